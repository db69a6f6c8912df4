//! What makes a release: the workflows can be read, and the scripts that they call do what they say.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::scripted_agent::binary;

const TARGETS: [&str; 4] = [
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
];
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The YAML files of a directory, with their names.
fn yaml(directory: &str) -> Vec<(String, Value)> {
    let files = fs::read_dir(root().join(directory)).unwrap();
    let mut found: Vec<_> = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yml"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let value = serde_saphyr::from_str(&text)
                .unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
            (path.file_name().unwrap().to_string_lossy().into(), value)
        })
        .collect();
    found.sort_by(|one: &(String, Value), other| one.0.cmp(&other.0));
    found
}

fn run(script: &str, arguments: &[&str]) -> Output {
    Command::new(root().join("tools/release").join(script))
        .args(arguments)
        .output()
        .unwrap()
}

fn ok(script: &str, arguments: &[&str]) -> String {
    let done = run(script, arguments);
    assert!(done.status.success(), "{script} {arguments:?}: {done:?}");
    String::from_utf8(done.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

fn has(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = humanlayer::platform::on_path(&path, tool).is_some();
    if !found {
        let _ = writeln!(
            std::io::stderr(),
            "{tool} is not installed, so what it makes is not looked at here"
        );
    }
    found
}

/// A directory with an archive for each target. The program in them is a few bytes that call the real one:
/// what is packed is the same, and takes no minute.
fn archives() -> (TempDir, PathBuf) {
    let work = tempfile::tempdir().unwrap();
    let program = work.path().join("program");
    fs::write(&program, format!("#!/bin/sh\nexec '{}' \"$@\"\n", binary())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let directory = work.path().join("dist");
    for target in TARGETS {
        let arguments = [
            program.to_str().unwrap(),
            target,
            directory.to_str().unwrap(),
        ];
        let made = ok("archive", &arguments);
        assert_eq!(made, format!("humanlayer-{VERSION}-{target}.tar.gz"));
    }
    (work, directory)
}

#[test]
fn each_workflow_calls_what_there_is() {
    let workflows = yaml(".github/workflows");
    let names: Vec<&str> = workflows.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ci.yml", "release.yml"]);
    let mut called = BTreeSet::new();
    for (file, workflow) in &workflows {
        assert!(
            workflow["name"].is_string() && workflow["on"].is_object(),
            "{file}"
        );
        assert!(
            workflow["permissions"].is_object(),
            "{file} has all permissions"
        );
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            let at = format!("{file}, {name}");
            assert!(job["runs-on"].is_string(), "{at}");
            assert!(job["timeout-minutes"].is_u64(), "{at} may hang for hours");
            for step in job["steps"].as_array().unwrap() {
                match (step["uses"].as_str(), step["run"].as_str()) {
                    (Some(uses), None) => assert!(uses.contains('@'), "{at}: {uses}"),
                    (None, Some(script)) => {
                        let read = Command::new("bash").args(["-n", "-c", script]).output();
                        assert!(read.unwrap().status.success(), "{at}: {script}");
                        called.extend(
                            script
                                .split(|c: char| c.is_whitespace() || "$()\"".contains(c))
                                .filter(|word| {
                                    ["tools/", ".ci/", "tests/"]
                                        .iter()
                                        .any(|at| word.starts_with(at))
                                })
                                .map(str::to_owned),
                        );
                    }
                    _ => panic!("{at}: a step uses or runs something: {step}"),
                }
            }
        }
    }
    assert!(called.len() >= 9, "{called:?}");
    for script in called {
        let found = fs::metadata(root().join(&script));
        let mode = found.map(|found| found.permissions().mode()).unwrap_or(0);
        assert_eq!(
            mode & 0o111,
            0o111,
            "{script} is not there, or cannot be run"
        );
    }
}

#[test]
fn what_is_released_is_what_the_formula_and_the_packages_know() {
    let release = yaml(".github/workflows").pop().unwrap().1;
    let matrix = &release["jobs"]["build"]["strategy"]["matrix"]["include"];
    let targets: Vec<&str> = matrix
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["target"].as_str().unwrap())
        .collect();
    assert_eq!(targets, TARGETS);
}

#[test]
fn issue_forms_can_be_shown() {
    let forms = yaml(".github/ISSUE_TEMPLATE");
    assert_eq!(forms.len(), 3);
    for (file, form) in forms.iter().filter(|(file, _)| file != "config.yml") {
        assert!(
            form["name"].is_string() && form["description"].is_string(),
            "{file}"
        );
        let mut ids = BTreeSet::new();
        for part in form["body"].as_array().unwrap() {
            let kind = part["type"].as_str().unwrap();
            let known = ["markdown", "textarea", "input", "dropdown", "checkboxes"];
            assert!(known.contains(&kind), "{file}: {kind}");
            if kind == "markdown" {
                assert!(part["attributes"]["value"].is_string(), "{file}");
                continue;
            }
            assert!(part["attributes"]["label"].is_string(), "{file}: {part}");
            assert!(ids.insert(part["id"].as_str().unwrap()), "{file}: {part}");
        }
        assert!(ids.len() >= 2, "{file}");
    }
}

#[test]
fn an_archive_is_the_whole_product_and_is_made_the_same_again() {
    let (work, directory) = archives();
    let name = format!("humanlayer-{VERSION}-{}", TARGETS[0]);
    let archive = directory.join(format!("{name}.tar.gz"));
    let out = work.path().to_str().unwrap();
    let unpack = Command::new("tar")
        .args(["-xzf", archive.to_str().unwrap(), "-C", out])
        .status();
    assert!(unpack.unwrap().success());
    let inside = work.path().join(&name);
    for file in [
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "man/humanlayer.1",
        "man/humanlayer-daemon-status.1",
        "completions/humanlayer.bash",
        "completions/humanlayer.zsh",
        "completions/humanlayer.fish",
    ] {
        let size = fs::metadata(inside.join(file)).map(|found| found.len());
        assert!(size.is_ok_and(|size| size > 100), "{file}");
    }
    let version = Command::new(inside.join("humanlayer"))
        .arg("--version")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        format!("humanlayer {VERSION}\n")
    );

    if cfg!(target_os = "linux") {
        let again = work.path().join("again");
        let program = work.path().join("program");
        let arguments = [
            program.to_str().unwrap(),
            TARGETS[0],
            again.to_str().unwrap(),
        ];
        let made = ok("archive", &arguments);
        assert!(fs::read(again.join(made)).unwrap() == fs::read(archive).unwrap());
    }
}

#[test]
fn checksums_are_those_of_the_files_and_the_formula_has_them() {
    let (_work, directory) = archives();
    let dist = directory.to_str().unwrap();
    ok("checksums", &[dist]);
    ok("checksums", &["--verify", dist]);
    let sums = fs::read_to_string(directory.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), TARGETS.len(), "{sums}");

    let url = "https://example.com/releases/download/v1";
    let formula = ok("formula", &[VERSION, dist, url]);
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        let place = format!("      url \"{url}/{name}\"\n      sha256 \"{sum}\"\n");
        assert!(formula.contains(&place), "{formula}");
    }
    if has("ruby") {
        let file = directory.join("humanlayer.rb");
        fs::write(&file, &formula).unwrap();
        assert!(
            Command::new("ruby")
                .arg("-c")
                .arg(&file)
                .status()
                .unwrap()
                .success()
        );
    }

    // A file that is not what it was, and one that is missing.
    let one = directory.join(format!("humanlayer-{VERSION}-{}.tar.gz", TARGETS[0]));
    let mut bytes = fs::read(&one).unwrap();
    bytes[20] ^= 1;
    fs::write(&one, bytes).unwrap();
    assert!(!run("checksums", &["--verify", dist]).status.success());
    fs::remove_file(&one).unwrap();
    ok("checksums", &[dist]);
    let said = run("formula", &[VERSION, dist, url]);
    assert!(!said.status.success() && said.stdout.is_empty(), "{said:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn packages_install_the_program_its_pages_and_completions() {
    let (_work, directory) = archives();
    let dist = directory.to_str().unwrap();
    let archive = |target: &str| format!("{dist}/humanlayer-{VERSION}-{target}.tar.gz");
    let wanted = [
        "/usr/bin/humanlayer",
        "/usr/share/man/man1/humanlayer.1.gz",
        "/usr/share/man/man1/humanlayer-launch.1.gz",
        "/usr/share/bash-completion/completions/humanlayer",
        "/usr/share/doc/humanlayer/README.md",
    ];
    let looked = |program: &str, arguments: &[&str]| {
        let said = Command::new(program).args(arguments).output().unwrap();
        assert!(said.status.success(), "{said:?}");
        String::from_utf8(said.stdout).unwrap()
    };
    if has("dpkg-deb") {
        for (target, arch) in [(TARGETS[0], "amd64"), (TARGETS[1], "arm64")] {
            let name = ok("deb", &[&archive(target), dist]);
            assert_eq!(name, format!("humanlayer_{VERSION}_{arch}.deb"));
            let package = format!("{dist}/{name}");
            let listed = looked("dpkg-deb", &["--contents", &package]);
            for path in wanted {
                assert!(listed.contains(&format!(" .{path}\n")), "{path}: {listed}");
            }
            assert!(
                listed.lines().all(|line| line.contains("root/root")),
                "{listed}"
            );
            let field = looked("dpkg-deb", &["--field", &package, "Architecture"]);
            assert_eq!(field.trim(), arch);
        }
        let said = run("deb", &[&archive(TARGETS[2]), dist]);
        assert!(!said.status.success(), "a program for macOS in a deb");
    }
    if has("rpmbuild") {
        for (target, arch) in [(TARGETS[0], "x86_64"), (TARGETS[1], "aarch64")] {
            let name = ok("rpm", &[&archive(target), dist]);
            assert_eq!(name, format!("humanlayer-{VERSION}-1.{arch}.rpm"));
            let listed = looked("rpm", &["-qlp", &format!("{dist}/{name}")]);
            for path in wanted {
                assert!(listed.lines().any(|line| line == path), "{path}: {listed}");
            }
        }
    }
}

#[test]
fn a_tag_is_released_if_it_is_the_version_and_the_changelog_has_it() {
    let said = run("check_version", &["v999.0.0"]);
    assert!(!said.status.success());
    let why = String::from_utf8(said.stderr).unwrap();
    assert!(why.contains(VERSION), "{why}");

    let work = tempfile::tempdir().unwrap();
    let changelog = work.path().join("CHANGELOG.md");
    let text = "# Changelog\n\n## [Unreleased]\n- later\n\n## [0.2.0] - 2026-01-02\n### Added\n- a thing\n\n## [0.1.0]\n- old\n\n[0.1.0]: x\n";
    fs::write(&changelog, text).unwrap();
    let notes = |version: &str| {
        let script = root().join("tools/release/notes");
        Command::new(script)
            .arg(version)
            .env("CHANGELOG", &changelog)
            .output()
            .unwrap()
    };
    assert_eq!(notes("0.2.0").stdout, b"### Added\n- a thing\n");
    assert_eq!(notes("0.1.0").stdout, b"- old\n");
    assert!(!notes("0.3.0").status.success());
}
