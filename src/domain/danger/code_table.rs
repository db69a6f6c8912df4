//! Tables of interpreters, and of calls in other languages.

use std::collections::HashSet;
use std::sync::OnceLock;

/// Interpreters, with the options whose value is a program.
pub(super) const INTERPRETERS: &[(&str, &str)] = &[
    ("python python2 python3 pypy pypy3 ipython", "-c"),
    (
        "node nodejs bun deno tsx ts-node",
        "-e --eval -p --print -pe",
    ),
    ("perl", "-e -E -ne -pe -le -ane -lne -nle -E"),
    ("ruby", "-e -ne -pe"),
    ("php", "-r"),
    ("lua luajit", "-e"),
    ("osascript", "-e -l"),
    ("awk gawk mawk nawk", ""),
    ("Rscript R", "-e"),
    ("julia", "-e -E"),
    ("groovy", "-e"),
    ("elixir erl", "-e -eval"),
    ("tclsh wish expect", "-c"),
    ("emacs", "--eval -eval"),
    ("guile racket sbcl clisp", "-c -e --eval"),
    ("swift scala kotlin jshell", "-e"),
    ("psql-code sqlite-code", ""),
];

/// Calls that give a text or a list to a shell or a program.
const CALLS: &str = "os.system os.popen subprocess.run subprocess.call subprocess.Popen subprocess.check_call \
    subprocess.check_output subprocess.getoutput subprocess.getstatusoutput os.execv os.execvp os.execl os.execlp \
    os.execve os.spawnlp os.spawnvp os.posix_spawn pty.spawn shell cmd syscmd esyscmd callCommand spawnCommand run_process commands.getoutput asyncio.create_subprocess_shell \
    asyncio.create_subprocess_exec execSync spawn spawnSync execFile execFileSync execa execaSync system popen \
    shell_exec passthru proc_open pcntl_exec os.execute io.popen IO.popen Open3.capture2 Open3.capture3 \
    Open3.popen3 Kernel.system Kernel.exec Deno.run Deno.Command Bun.spawn Runtime.exec System.cmd";

/// Calls that delete directories, or files.
const DELETING: &str = "rmtree rmSync rmdirSync rm_rf rm_r remove_tree remove_entry_secure remove_dir_all RemoveAll \
    deleteDirectory removedirs rimraf delete_dir unlink unlinkSync removeSync rm rmdir os.remove File.delete \
    Dir.delete fs.rm emptyDirSync default.removeItem Deno.remove remove_dir";

/// Calls that read or write a file that is named.
const TOUCHING: &str = "open write_text write_bytes writeFileSync writeFile appendFileSync appendFile \
    file_put_contents Path write copy copyfile symlink rename move chmod symlinkSync copyFileSync renameSync \
    createWriteStream fopen expanduser readFileSync readFile file_get_contents read_text read truncate \
    truncateSync join replace";

fn in_list(list: &'static str, set: &'static OnceLock<HashSet<&'static str>>, name: &str) -> bool {
    let set = set.get_or_init(|| list.split_whitespace().collect());
    let last = name.rsplit('.').next().unwrap_or(name);
    // With its last two names, or with the last one alone.
    let two = name
        .rmatch_indices('.')
        .nth(1)
        .map_or(name, |(at, _)| &name[at + 1..]);
    set.contains(two) || set.contains(last)
}

/// Whether a call gives something to a shell or a program.
pub(super) fn is_shell_call(name: &str) -> bool {
    static SET: OnceLock<HashSet<&'static str>> = OnceLock::new();
    in_list(CALLS, &SET, name)
}

/// Whether a call deletes.
pub(super) fn is_deleting(name: &str) -> bool {
    static SET: OnceLock<HashSet<&'static str>> = OnceLock::new();
    in_list(DELETING, &SET, name)
}

/// Whether a call reads or writes a file that is named.
pub(super) fn is_touching(name: &str) -> bool {
    static SET: OnceLock<HashSet<&'static str>> = OnceLock::new();
    in_list(TOUCHING, &SET, name)
}

/// Whether a program runs programs in another language.
pub(super) fn is_interpreter(program: &str) -> bool {
    INTERPRETERS
        .iter()
        .any(|(names, _)| names.split(' ').any(|name| name == program))
}

/// Options of interpreters that take the next word and are no programs.
const VALUES: &[(&str, &[&str])] = &[
    (
        "python python2 python3 pypy pypy3 ipython",
        &["-W", "-X", "--check-hash-based-pycs"],
    ),
    (
        "node nodejs bun tsx ts-node",
        &[
            "-r",
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "-C",
            "--conditions",
        ],
    ),
    ("perl", &["-I"]),
    ("ruby", &["-I", "-r"]),
    ("php", &["-d", "-c"]),
    ("lua luajit", &["-l"]),
    (
        "awk gawk mawk nawk",
        &[
            "-v",
            "-F",
            "-f",
            "--assign",
            "--field-separator",
            "--file",
            "-l",
            "-i",
        ],
    ),
    ("elixir erl", &["-s", "-pa", "-sname", "-name"]),
    ("emacs", &["-l", "-f", "--load", "--funcall"]),
];

/// The options of an interpreter that take the next word.
pub(super) fn values_of(program: &str) -> &'static [&'static str] {
    VALUES
        .iter()
        .find(|(names, _)| names.split(' ').any(|name| name == program))
        .map_or(&[], |(_, options)| options)
}
