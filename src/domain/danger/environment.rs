//! Variables that other programs act on: those that name a program, load something, or turn something off.
//!
//! One list, for assignments before a command, `export`, `env`, the variables of `make`, and settings.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::reason;
use super::run::Run;

/// Places of a search path that are looked at.
const MAX_PLACES: usize = 64;

/// What a variable's value is.
#[derive(Clone, Copy)]
enum Use {
    /// A program, or a command, of a usual kind.
    Helper,
    /// Commands that a shell runs.
    Script,
    /// A file or a library that every program of a kind loads: none is usual.
    Loaded,
    /// Options of a program, of which these load something, parted by blanks.
    Options(&'static str),
    /// A prompt, whose substitutions are carried out.
    Prompt,
    /// Where packages come from.
    Source,
    /// Options of this program, which are judged as if they were given to it.
    Of(&'static str),
}

use Use::{Helper, Loaded, Of, Options, Prompt, Script, Source};

// One row a line.
#[rustfmt::skip]
const VARIABLES: &[(&str, Use)] = &[
    ("LD_PRELOAD LD_AUDIT DYLD_INSERT_LIBRARIES BASH_ENV ZDOTDIR PYTHONSTARTUP PERL5DB GCONV_PATH GTK_MODULES GTK3_MODULES", Loaded),
    ("OPENSSL_ENGINES OPENSSL_MODULES GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_CONFIG_PARAMETERS MAKEFILES QT_PLUGIN_PATH", Loaded),
    ("GIO_EXTRA_MODULES PYTHONBREAKPOINT ERL_ZFLAGS BUNDLE_GEMFILE_HOOK VIMRUNTIME", Loaded),
    ("PROMPT_COMMAND", Script),
    ("GIT_SSH GIT_SSH_COMMAND GIT_PROXY_COMMAND RSYNC_RSH CVS_RSH SVN_SSH HG_SSH BORG_RSH", Helper),
    ("GIT_EXTERNAL_DIFF GIT_ASKPASS SSH_ASKPASS SUDO_ASKPASS RESTIC_PASSWORD_COMMAND BORG_PASSCOMMAND", Helper),
    ("EDITOR VISUAL GIT_EDITOR GIT_SEQUENCE_EDITOR KUBE_EDITOR FCEDIT SUDO_EDITOR HGEDITOR SVN_EDITOR PSQL_EDITOR GH_EDITOR SYSTEMD_EDITOR", Helper),
    ("PAGER GIT_PAGER MANPAGER AWS_PAGER BAT_PAGER SYSTEMD_PAGER PSQL_PAGER DELTA_PAGER GH_PAGER LESSOPEN LESSCLOSE MANROFFOPT_PAGER", Helper),
    ("BROWSER GH_BROWSER SHELL TERMINAL", Helper),
    ("CC CXX CPP LD AR AS FC NM RANLIB STRIP HOSTCC HOSTCXX RUSTC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTDOC RUSTC_LINKER", Helper),
    ("CARGO_BUILD_RUSTC CARGO_BUILD_RUSTC_WRAPPER CMAKE_C_COMPILER_LAUNCHER CMAKE_CXX_COMPILER_LAUNCHER CCACHE_PREFIX", Helper),
    ("npm_config_script_shell npm_config_shell npm_config_git NPM_CONFIG_SCRIPT_SHELL PUPPETEER_EXECUTABLE_PATH_WRAPPER", Helper),
    ("NODE_OPTIONS", Options("--require -r --import --loader --experimental-loader")),
    ("RUBYOPT", Options("-r")),
    ("PERL5OPT", Options("-M -m -d")),
    ("JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS MAVEN_OPTS GRADLE_OPTS", Options("-javaagent -agentpath -agentlib -XX:OnError -XX:OnOutOfMemoryError")),
    ("GOFLAGS", Options("-toolexec -exec")),
    ("MAKEFLAGS", Options("--eval SHELL")),
    ("TAR_OPTIONS", Of("tar")),
    ("ZIPOPT", Of("zip")),
    ("MANOPT", Of("man")),
    ("PS0 PS1 PS2 PS4", Prompt),
    ("PIP_INDEX_URL PIP_EXTRA_INDEX_URL UV_INDEX_URL UV_DEFAULT_INDEX UV_INDEX UV_EXTRA_INDEX_URL npm_config_registry NPM_CONFIG_REGISTRY", Source),
    ("YARN_NPM_REGISTRY_SERVER GOPROXY HOMEBREW_BOTTLE_DOMAIN BUNDLE_MIRROR__ALL ANTHROPIC_BASE_URL", Source),
];

/// Where packages usually come from, as their hosts end.
const USUAL_SOURCES: [&str; 10] = [
    "pypi.org",
    "pythonhosted.org",
    "npmjs.org",
    "yarnpkg.com",
    "golang.org",
    "goproxy.io",
    "pytorch.org",
    "anthropic.com",
    "localhost",
    "127.0.0.1",
];

fn use_of(name: &str) -> Option<Use> {
    static INDEX: OnceLock<HashMap<&'static str, Use>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let rows = VARIABLES.iter();
        rows.flat_map(|(names, used)| names.split(' ').map(|name| (name, *used)))
            .collect()
    });
    let of_cargo = name.starts_with("CARGO_TARGET_")
        && (name.ends_with("_LINKER") || name.ends_with("_RUNNER"));
    index
        .get(name)
        .copied()
        .or_else(|| of_cargo.then_some(Helper))
}

/// Whether options load something that is no package which a project depends on.
fn loads(name: &str, value: &str, loading: &str) -> bool {
    let mut words = value.split_whitespace();
    while let Some(word) = words.next() {
        let given = loading.split(' ').find_map(|option| {
            let rest = word.strip_prefix(option)?;
            let is_joined = rest.starts_with(['=', ':']) || option.len() == 2;
            (rest.is_empty() || is_joined).then(|| rest.trim_start_matches(['=', ':']))
        });
        let Some(given) = given else { continue };
        let given = if given.is_empty() {
            words.next().unwrap_or_default()
        } else {
            given
        };
        let is_package = name == "NODE_OPTIONS"
            && given.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '@')
            && !given.contains(':');
        if !is_package {
            return true;
        }
    }
    false
}

impl Run<'_> {
    /// A variable that other programs act on.
    pub fn environment(&mut self, name: &str, value: &str) {
        if value.is_empty() && name != "HISTFILE" {
            return;
        }
        let used = use_of(name);
        let is_told_by_name = matches!(
            name,
            "PATH" | "HISTFILE" | "VIMINIT" | "EXINIT" | "LESS" | "ENV" | "OPENSSL_CONF"
        ) || name.starts_with("GIT_CONFIG_VALUE_")
            || name.starts_with("HUMANLAYER_");
        if used.is_none() && !is_told_by_name {
            return;
        }
        let part = format!("{name}={value}");
        match name {
            "PATH" => self.search_path(value, &part),
            "HISTFILE" if value == "/dev/null" || value.is_empty() => {
                self.found.add(reason::HIDES, &part);
            }
            "VIMINIT" | "EXINIT" => {
                let value = shell_words::quote(value);
                drop(self.text(&format!("vim -c {value}")));
            }
            "LESS" => {
                if let Some((_, script)) = value.split_once("+!") {
                    drop(self.text(script));
                }
            }
            _ if name.starts_with("GIT_CONFIG_VALUE_") => {
                let number = name.trim_start_matches("GIT_CONFIG_VALUE_");
                let key = self.variables.get(&format!("GIT_CONFIG_KEY_{number}"));
                let key = key
                    .and_then(|values| values.first())
                    .map(|key| key.text.clone());
                if let Some(key) = key {
                    super::programs::git_setting(self, &key, value, &part);
                }
            }
            // The file that a plain shell begins with, and a name for a kind of machine.
            "ENV" | "OPENSSL_CONF" => {
                let full = self.full(value);
                if value.contains('/') && !full.starts_with("/etc/") && !full.starts_with("/usr/") {
                    self.found.add(reason::HIJACKS, &part);
                }
            }
            // Our own settings go before those of the files.
            _ if name.starts_with("HUMANLAYER_")
                && ["ISOLAT", "APPROV", "PERMISSION", "ACCEPT", "GUARD", "ALLOW"]
                    .iter()
                    .any(|word| name.contains(word)) =>
            {
                self.found.add(reason::DECIDES, &part);
            }
            _ => {}
        }
        match used {
            Some(Loaded) if value == "/dev/null" => {}
            Some(Loaded) => self.found.add(reason::HIJACKS, &part),
            Some(Script) => {
                drop(self.text(value));
                self.found.add(reason::HIJACKS, &part);
            }
            Some(Helper) => self.helper(value.trim_start_matches(['|', '-', ' ']), &part),
            Some(Options(loading)) if loads(name, value, loading) => {
                self.found.add(reason::HIJACKS, &part);
            }
            Some(Of(program)) => drop(self.text(&format!("{program} {value}"))),
            Some(Prompt) => self.substituted(value),
            Some(Source) => {
                let is_usual = value.split([',', ' ']).all(|source| {
                    let host = source.split_once("://").map_or("", |(_, rest)| rest);
                    let host = host.split(['/', ':']).next().unwrap_or_default();
                    host.is_empty() || USUAL_SOURCES.iter().any(|known| host.ends_with(known))
                });
                if !is_usual {
                    self.found.add(reason::HIJACKS, &part);
                }
            }
            Some(Options(_)) | None => {}
        }
    }

    /// Where programs are looked for first: not where anybody may put one.
    fn search_path(&mut self, value: &str, part: &str) {
        self.spend(value.len());
        let places: Vec<&str> = value.split(':').take(MAX_PLACES).collect();
        let first = places
            .iter()
            .position(|place| place.contains("$PATH") || place.contains("${PATH"))
            .unwrap_or(places.len());
        let is_open = places.iter().take(first).any(|place| {
            let full = self.full(place);
            matches!(*place, "" | "." | "./")
                || full == "."
                || ["/tmp", "/var/tmp", "/dev/shm"]
                    .iter()
                    .any(|open| full == *open || full.starts_with(&format!("{open}/")))
        });
        let is_replaced = first == places.len()
            && !places
                .iter()
                .any(|place| place.contains("bin") || place.contains('$') || place.is_empty());
        if is_open || is_replaced {
            self.found.unclear(reason::HELPER, part);
        }
    }
}
