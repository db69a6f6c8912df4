//! Disks that are full, refuse or are slow: mounted in a mount namespace of the test's own, so that this works
//! for every user and touches nothing else.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Set where a test runs in a mount namespace of its own.
const INSIDE: &str = "HUMANLAYER_TEST_OWN_MOUNTS";

/// Whether this is a test's run in a mount namespace of its own; if not, it is run in one, and must pass there.
pub fn in_own_mounts(test: &str) -> bool {
    if is_in_own_mounts() {
        return true;
    }
    let output = command_in_own_mounts(test)
        .output()
        .expect("unshare (util-linux) is there");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (said(&output.stdout), said(&output.stderr));
    assert!(
        output.status.success() && out.contains("1 passed"),
        "in its own mounts ({}): {out}\n{err}",
        output.status
    );
    false
}

/// Whether this is a test's run in a mount namespace of its own.
pub fn is_in_own_mounts() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// The run of a test in a mount namespace of its own.
pub fn command_in_own_mounts(test: &str) -> Command {
    let options = match rustix::process::geteuid().is_root() {
        true => "-m",
        // An unprivileged user may mount in a user namespace of theirs.
        false => "-Urm",
    };
    let mut command = Command::new("unshare");
    command
        .arg(options)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .stdin(Stdio::null());
    command
}

/// Builds one of the libraries under `tests/fixtures`; gives where it is.
pub fn build(into: &Path, fixture: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(fixture);
    let library = into.join(source.file_stem().unwrap()).with_extension("so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status();
    assert!(built.is_ok_and(|built| built.success()), "cc builds it");
    library
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}: {status}");
}

/// A small file system of its own, gone with the test's mounts.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    pub fn mount(at: &Path) -> Self {
        Self::mount_of(at, 6)
    }

    /// One of so many megabytes.
    pub fn mount_of(at: &Path, megabytes: u64) -> Self {
        let place = at.display().to_string();
        let options = format!("size={megabytes}m,mode=0700");
        run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs", &place]);
        Self(at.to_owned())
    }

    /// Leaves not a byte; again if something was given back meanwhile.
    pub fn fill(&self) {
        let mut filler = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.0.join("filler"))
            .unwrap();
        while filler.write(&[0; 1 << 20]).is_ok() {}
        while filler.write(&[0; 4096]).is_ok() {}
    }

    pub fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

/// A disk that does what it is told, for every program of these mounts that writes below a directory.
pub struct MoodyDisk(PathBuf);

impl MoodyDisk {
    /// `aside` is where what it needs may be kept.
    pub fn of(directory: &Path, aside: &Path) -> Self {
        Self::beside(directory, aside, &[])
    }

    /// The same, with further libraries that every program of these mounts is to have.
    pub fn beside(directory: &Path, aside: &Path, further: &[PathBuf]) -> Self {
        let library = build(aside, "disk/refusing.c");
        let etc = aside.join("etc");
        fs::create_dir(&etc).unwrap();
        // What this user may not read is not missed.
        let _ = Command::new("cp")
            .args(["-a", "/etc/."])
            .arg(&etc)
            .stderr(Stdio::null())
            .status();
        let disk = Self(directory.to_owned());
        fs::write(etc.join("refusing-disk"), "").unwrap();
        let all = [&library].into_iter().chain(further);
        let all: String = all.map(|it| format!("{}\n", it.display())).collect();
        fs::write(etc.join("ld.so.preload"), all).unwrap();
        run("mount", &["--bind", &etc.display().to_string(), "/etc"]);
        disk
    }

    /// Each write meets an error from now on.
    pub fn refuse(&self, error: rustix::io::Errno) {
        self.be(&error.raw_os_error().to_string());
    }

    /// Each write takes so long from now on.
    pub fn be_slow(&self, milliseconds: u32) {
        self.be(&format!("slow {milliseconds}"));
    }

    pub fn be_well(&self) {
        self.be("0");
    }

    fn be(&self, mood: &str) {
        let text = format!("{}\n{mood}\n", self.0.display());
        fs::write("/etc/refusing-disk.new", text).unwrap();
        fs::rename("/etc/refusing-disk.new", "/etc/refusing-disk").unwrap();
    }
}
