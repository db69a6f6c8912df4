//! `login` and `ping`, and what `daemon status` and `doctor` say.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use portable_pty::{CommandBuilder, NativePtySystem, PtySize, PtySystem};
use serde_json::{Value, json};

use crate::support::cli::{Cli, Said, finish};
use crate::support::daemon::wait_until;
use crate::support::remote_api::{Fault, KEY, RemoteApi};

fn file(cli: &Cli) -> PathBuf {
    cli.home().join(".config/humanlayer/humanlayer.json")
}

fn stored(cli: &Cli) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file(cli)).unwrap()).unwrap()
}

/// Runs a verb against an API; its address is in the environment.
fn with(cli: &Cli, api: &RemoteApi, arguments: &[&str], input: &str) -> Said {
    let mut command = cli.command(arguments);
    command.env("HUMANLAYER_API_BASE", api.base());
    let said = finish(command, input);
    for text in [&said.stdout, &said.stderr] {
        assert!(!text.contains(KEY), "{text}");
    }
    said
}

#[test]
fn a_good_key_is_stored_for_its_owner_alone_and_used() {
    let (cli, api) = (Cli::new(), RemoteApi::start());
    std::fs::create_dir_all(file(&cli).parent().unwrap()).unwrap();
    std::fs::write(
        file(&cli),
        r#"{"thoughts": {"user": "a"}, "api_key": "old"}"#,
    )
    .unwrap();
    let base = api.base();
    let login = ["login", "--api-base-url", &base];
    let said = finish(cli.command(&login), &format!("  {KEY}\n")).ok();
    assert!(
        said.contains("project Test project (test): the key is stored"),
        "{said}"
    );
    assert!(!said.contains(KEY), "{said}");
    assert_eq!(
        stored(&cli),
        json!({"thoughts": {"user": "a"}, "api_key": KEY, "api_base_url": base})
    );
    let mode = std::fs::metadata(file(&cli)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let said = cli.ok(&["ping"]);
    assert!(
        said.starts_with(&format!("project Test project (test) at {base}, ")),
        "{said}"
    );
    let told = cli.json(&["ping", "--json"]);
    assert_eq!(
        (&told["slug"], &told["place"]),
        (&json!("test"), &json!(base))
    );
    // The daemon uses it, and says so.
    api.function_call("r", "call", "f", json!({}));
    cli.ok(&["daemon", "start"]);
    wait_until("it is in the inbox", || {
        cli.ok(&["approvals"]).contains("\tf\t").then_some(())
    });
    let status = cli.ok(&["daemon", "status"]);
    assert!(status.contains(&format!("api       {base}")), "{status}");
    assert!(status.contains("function calls: ok"), "{status}");
    let doctor = cli.run(&["doctor"]).stdout;
    assert!(doctor.contains(&format!("{base}, polled")), "{doctor}");
    for text in [status, doctor, cli.ok(&["config", "show"])] {
        assert!(!text.contains(KEY), "{text}");
    }
    let again = finish(cli.command(&login), KEY).ok();
    assert!(again.contains("daemon restart"), "{again}");
}

#[test]
fn a_key_that_is_not_good_is_not_stored() {
    let (cli, api) = (Cli::new(), RemoteApi::start());
    let said = with(&cli, &api, &["login"], "another").failed(1);
    assert!(said.contains("401 (no such key: ********)"), "{said}");
    for wrong in ["", "two words"] {
        with(&cli, &api, &["login"], wrong).failed(2);
    }
    api.fail("project", Fault::Answer(503, vec![], "closed".to_owned()));
    let said = with(&cli, &api, &["login"], KEY).failed(1);
    assert!(said.contains("503 (closed)"), "{said}");
    assert!(!file(&cli).exists());
    let said = finish(cli.command(&["login", "--api-base-url", "nowhere"]), KEY).failed(2);
    assert!(said.contains("no address of an API"), "{said}");
    // A file that is not understood is not touched.
    std::fs::create_dir_all(file(&cli).parent().unwrap()).unwrap();
    std::fs::write(file(&cli), "{oops").unwrap();
    with(&cli, &api, &["login"], KEY).failed(2);
    assert_eq!(std::fs::read_to_string(file(&cli)).unwrap(), "{oops");
}

#[test]
fn what_hides_a_stored_key_is_told() {
    let (cli, api) = (Cli::new(), RemoteApi::start());
    let mut command = cli.command(&["login"]);
    command.env("HUMANLAYER_API_BASE", api.base());
    command.env("HUMANLAYER_API_KEY", "another");
    let said = finish(command, KEY);
    assert!(
        said.stderr
            .contains("environment HUMANLAYER_API_KEY takes precedence"),
        "{said:?}"
    );
    std::fs::write(cli.work().join("humanlayer.json"), "{}").unwrap();
    let said = with(&cli, &api, &["login"], KEY);
    // A project's file takes nothing away from it.
    assert_eq!(said.stderr, "", "{said:?}");
    assert_eq!(stored(&cli)["api_key"], KEY);
}

#[test]
fn a_ping_says_why_it_failed() {
    let (cli, api) = (Cli::new(), RemoteApi::start());
    let ping = |key: Option<&str>, base: &str| {
        let mut command = cli.command(&["ping"]);
        command.env("HUMANLAYER_API_BASE", base);
        if let Some(key) = key {
            command.env("HUMANLAYER_API_KEY", key);
        }
        finish(command, "")
    };
    assert!(
        ping(None, &api.base())
            .failed(2)
            .contains("humanlayer login")
    );
    assert!(ping(Some("another"), &api.base()).failed(1).contains("401"));
    let elsewhere = format!("{}/elsewhere", api.base());
    let said = ping(Some(KEY), &elsewhere).failed(1);
    assert!(said.contains("the right address"), "{said}");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let said = ping(Some(KEY), &address).failed(1);
    assert!(said.contains("no connection"), "{said}");
}

#[test]
fn a_key_typed_on_a_terminal_is_not_seen() {
    let (cli, api) = (Cli::new(), RemoteApi::start());
    let pair = NativePtySystem::default()
        .openpty(PtySize::default())
        .unwrap();
    let plain = cli.command(&["login"]);
    let mut command = CommandBuilder::new(plain.get_program());
    command.args(plain.get_args());
    command.env_clear();
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap());
    }
    command.env("HUMANLAYER_API_BASE", api.base());
    command.cwd(cli.work());
    let mut child = pair.slave.spawn_command(command).unwrap();
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut writer = pair.master.take_writer().unwrap();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let shared = std::sync::Arc::clone(&seen);
    std::thread::spawn(move || {
        let mut bytes = [0; 1024];
        while let Ok(read) = reader.read(&mut bytes) {
            if read == 0 {
                return;
            }
            let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
            shared.lock().unwrap().push_str(&text);
        }
    });
    let seen = || seen.lock().unwrap().clone();
    wait_until("it asks", || seen().contains("API key for").then_some(()));
    // The terminal is dark from just after the prompt on: wait for that, as nobody types so fast.
    let dark = || {
        let modes = pair.master.get_termios().unwrap();
        !format!("{:?}", modes.local_flags).contains("ICANON")
    };
    wait_until("the terminal is dark", || dark().then_some(()));
    write!(writer, "wrong\u{15}{KEY}x\u{7f}\r").unwrap();
    let status = wait_until("it ends", || child.try_wait().unwrap());
    assert!(status.success(), "{}", seen());
    wait_until("it says so", || {
        seen().contains("Test project").then_some(())
    });
    assert!(
        !seen().contains(KEY) && !seen().contains("wrong"),
        "{}",
        seen()
    );
    assert_eq!(stored(&cli)["api_key"], KEY);
    assert!(!dark(), "the terminal is as it was");
}
