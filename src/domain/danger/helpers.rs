//! Programs that others hand over to: pagers, editors, compressors, compilers, ssh.
//!
//! An option, a setting or a variable may name such a program. A usual one is judged as any command is;
//! of any other it can't be told what it does, as what runs is not what the command seems to be.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::reason;
use super::run::Run;

/// Programs to which others usually hand over.
const USUAL: &str = "less more most cat bat batcat delta diff-so-fancy moar ov col nl head tee true false : echo test none \
    vi vim nvim nano pico emacs emacsclient ed ex micro hx helix kak code code-insiders cursor subl zed idea gedit kate \
    mate notepad notepad++ nvim-qt gvim mvim vimdiff nvimdiff meld kdiff3 opendiff difft difftastic diff colordiff sed \
    gzip gunzip pigz bzip2 pbzip2 lbzip2 xz pixz zstd zstdmt lz4 lzop lzma lzip brotli compress zcat unzip 7z \
    ssh ssh-askpass ssh-keygen gpg gpg2 nc ncat connect corkscrew cloudflared aws gcloud tsh teleport rsh \
    git git-lfs gh cc c++ gcc g++ clang clang++ clang-cl cpp ld lld ld.lld mold gold ar nm ranlib strip objcopy as \
    rustc rustdoc sccache ccache distcc icecc clippy-driver fc gfortran nvcc emcc zig go cargo tcc mpicc mpicxx mpifort icc icx icpx cl \
    bash sh zsh dash ksh fish nu pwsh aspell hunspell ispell spell lesspipe lesspipe.sh src-hilite-lesspipe.sh \
    firefox chromium google-chrome google-chrome-stable lynx w3m links xdg-open open wslview safari \
    xelatex pdflatex lualatex tectonic wkhtmltopdf weasyprint pandoc-crossref pandoc-citeproc qemu-arm qemu-aarch64 \
    qemu-x86_64 wine node python python3 pager sensible-pager sensible-editor editor \
    osxkeychain store cache manager libsecret wasm-bindgen-test-runner make gmake ninja";

/// Compilers and their tools, which are also named with a system before them.
const COMPILERS: &str =
    "gcc g++ cc c++ clang clang++ cpp ld lld ar nm ranlib strip objcopy as gfortran fast";

/// Whether others usually hand over to the program that a command begins with, and it does nothing else.
pub(super) fn is_usual(command: &str) -> bool {
    static SET: OnceLock<HashSet<&'static str>> = OnceLock::new();
    let set = SET.get_or_init(|| USUAL.split_whitespace().collect());
    let command = command.trim();
    if command.contains([';', '|', '&', '`', '<', '>', '\n', '!']) || command.contains("$(") {
        return false;
    }
    let first = command.split_whitespace().next().unwrap_or_default();
    let is_of_a_script =
        first.starts_with("./") || first.starts_with("../") || first.starts_with("/tmp/");
    let name = first.rsplit('/').next().unwrap_or(first);
    // What runs a script is no helper itself.
    let runs_script = matches!(
        name,
        "sh" | "bash" | "zsh" | "dash" | "ksh" | "python" | "python3" | "node" | "make" | "gmake"
    ) && command.split_whitespace().count() > 1;
    let name = name.strip_suffix(".exe").unwrap_or(name);
    // `clang-18`, `x86_64-linux-gnu-gcc-13`.
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let is_named = |name: &str| set.contains(name);
    let of_target = bare.rsplit('-').next().unwrap_or(bare);
    let known = name.is_empty()
        || is_named(name)
        || is_named(bare)
        || (bare.contains('-') && COMPILERS.split(' ').any(|known| known == of_target));
    known && !is_of_a_script && !runs_script
}

impl Run<'_> {
    /// A command that an option, a setting or a variable names.
    pub fn helper(&mut self, command: &str, whole: &str) {
        if command.trim().is_empty() {
            return;
        }
        drop(self.text(command));
        if !is_usual(command) && !command.starts_with('$') {
            self.found.unclear(reason::HELPER, whole);
        }
    }

    /// A library, or a file of code, that a program is told to load.
    pub fn library(&mut self, path: &str, whole: &str) {
        let full = self.full(path);
        let is_of_system = ["/usr/", "/lib/", "/lib64/", "/opt/"]
            .iter()
            .any(|place| full.starts_with(place));
        if path.contains('/') && !is_of_system {
            self.found.add(reason::HIJACKS, whole);
        }
    }
}
