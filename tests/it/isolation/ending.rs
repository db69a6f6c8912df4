//! How an isolated agent ends: as it would without isolation, and with everything that it started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use humanlayer::platform;
use humanlayer::platform::isolation::{Contents, Isolation, Mount};
use humanlayer::runner::{ExitReport, FORMAT, RunnerState, SessionDir, Spec};
use rstest::rstest;
use rustix::process::Signal;

use super::{doctor_in, is_available};
use crate::support::cli::signal;
use crate::support::daemon::wait_until;
use crate::support::scripted_agent::binary;

/// A runner with an isolated shell.
struct Isolated {
    dir: SessionDir,
    runner: Child,
    root: tempfile::TempDir,
}

impl Isolated {
    fn start(script: &str) -> Option<Self> {
        let root = tempfile::Builder::new().prefix("hl").tempdir().unwrap();
        if !is_available(doctor_in(root.path())) {
            return None;
        }
        let work = root.path().join("work");
        fs::create_dir(&work).unwrap();
        let mounts = [
            (PathBuf::from("/tmp"), Contents::Empty(0o1777)),
            (work.clone(), Contents::Bind(work.clone())),
        ];
        let isolation = Isolation {
            directory: work.clone(),
            program: None,
            mounts: mounts
                .map(|(at, what)| Mount {
                    at,
                    what,
                    writable: true,
                })
                .into(),
        };
        let dir = SessionDir::new(root.path().join("session"));
        fs::create_dir(dir.path()).unwrap();
        let spec = Spec {
            format: FORMAT,
            session_id: "test".into(),
            program: "sh".into(),
            args: vec!["-c".into(), script.into()],
            env: vec![("PATH".into(), std::env::var("PATH").unwrap())],
            cwd: work,
            grace_ms: Some(300),
            daemon_lock: None,
            isolation: Some(isolation),
            umask: None,
        };
        spec.write(&dir).unwrap();
        let mut command = Command::new(binary());
        command.arg("__runner").arg(dir.path()).stdin(Stdio::null());
        let runner = command.spawn().unwrap();
        Some(Self { dir, runner, root })
    }

    fn work(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    fn report(&mut self) -> ExitReport {
        wait_until("the runner ends", || self.runner.try_wait().unwrap());
        ExitReport::read(&self.dir).unwrap().expect("a report")
    }

    fn until_there(&self, name: &str) {
        let file = self.work(name);
        wait_until("the agent has come so far", || file.exists().then_some(()));
    }
}

fn agents_of(root: &Path) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mark = root.display().to_string();
    pids.filter(|pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&mark)
    })
    .filter(|pid| !platform::is_zombie(*pid))
    .collect()
}

#[rstest]
#[case::by_itself("exit 7", Some(7), None)]
#[case::well("exit 0", Some(0), None)]
#[case::by_a_signal("kill -TERM $$; sleep 600", None, Some(15))]
#[case::killed("kill -KILL $$; sleep 600", None, Some(9))]
#[case::with_all_of_its_group("kill -HUP 0; sleep 600", None, Some(1))]
fn an_isolated_agents_end_is_its_own(
    #[case] script: &str,
    #[case] code: Option<i32>,
    #[case] signal: Option<i32>,
) {
    let Some(mut isolated) = Isolated::start(script) else {
        return;
    };
    let report = isolated.report();
    assert_eq!((report.code, report.signal), (code, signal), "{report:?}");
    assert_eq!(report.error, None);
}

#[test]
fn a_program_that_is_not_there_is_said() {
    let Some(mut isolated) = Isolated::start("exec /nonexistent/agent") else {
        return;
    };
    assert_eq!(isolated.report().code, Some(127));
}

/// It can tidy up, and what does not is killed.
#[test]
fn what_an_isolated_agent_leaves_behind_is_ended() {
    let script = "(trap 'touch tidied; exit' TERM; touch one; while :; do sleep 0.05; done) & \
        (trap '' TERM; touch two; setsid sleep 600) & \
        while [ ! -e one ] || [ ! -e two ]; do sleep 0.05; done; exit 3";
    let Some(mut isolated) = Isolated::start(script) else {
        return;
    };
    assert_eq!(isolated.report().code, Some(3));
    assert!(isolated.work("tidied").exists());
    assert!(agents_of(isolated.root.path()).is_empty());
}

/// Asked to end by the runner's own signal: SIGINT comes first, as without isolation.
#[test]
fn an_isolated_agent_is_asked_to_end() {
    let Some(mut isolated) = Isolated::start(
        "trap 'touch interrupted; exit 5' INT; touch ready; while :; do sleep 0.05; done",
    ) else {
        return;
    };
    isolated.until_there("ready");
    signal(isolated.runner.id().cast_signed(), Signal::TERM);
    assert_eq!(isolated.report().code, Some(5));
    assert!(isolated.work("interrupted").exists());
}

#[rstest]
#[case::the_runner(false)]
#[case::the_process_that_the_runner_knows(true)]
fn everything_inside_dies_with_what_is_outside(#[case] agent: bool) {
    let script =
        "(setsid sh -c 'trap \"\" HUP TERM; touch ready; sleep 600' &); trap '' TERM; sleep 600";
    let Some(mut isolated) = Isolated::start(script) else {
        return;
    };
    isolated.until_there("ready");
    let state = RunnerState::read(&isolated.dir).unwrap().unwrap();
    let inside = platform::descendants(isolated.runner.id());
    assert!(inside.len() >= 4, "{inside:?}");
    let victim = match agent {
        true => state.agent_pid.unwrap(),
        false => isolated.runner.id(),
    };
    signal(victim.cast_signed(), Signal::KILL);
    isolated.runner.wait().unwrap();
    wait_until("nothing is left", || {
        let left = inside.iter().filter(|pid| {
            platform::process_start_time(**pid).is_some() && !platform::is_zombie(**pid)
        });
        (left.count() == 0).then_some(())
    });
    if agent {
        assert_eq!(
            ExitReport::read(&isolated.dir).unwrap().unwrap().signal,
            Some(9)
        );
    }
}
