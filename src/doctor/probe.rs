//! A moment of the real agent: does it open its control protocol?
//!
//! Starts the program as a session would, in an empty directory, opens the
//! protocol through which approvals come and ends it again. No message is
//! sent, so no model is asked. The process is killed if it does not end.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use uuid::Uuid;

use crate::claude::control;

/// How long the program may take to answer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// How long it may take to end once its input is closed.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of its output is looked at.
const OUTPUT_BYTES: u64 = 4 * 1024 * 1024;
/// How much of its complaints is shown.
const COMPLAINT_BYTES: u64 = 2 * 1024;

/// Runs the test; says what is wrong if it fails.
pub async fn control_protocol(program: &Path) -> Result<(), String> {
    let directory = Directory::create().map_err(|cause| format!("making a directory: {cause}"))?;
    let mut child = Command::new(program)
        .args(["-p", "--input-format", "stream-json"])
        .args(["--output-format", "stream-json", "--verbose"])
        .args(["--permission-prompt-tool", "stdio"])
        .current_dir(&directory.path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|cause| format!("starting it: {cause}"))?;
    let opened = timeout(ANSWER_TIMEOUT, open(&mut child))
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER_TIMEOUT.as_secs())));
    // The end of its input is what ends it; whether it obeys is not what was asked.
    drop(child.stdin.take());
    if timeout(END_TIMEOUT, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
    opened
}

async fn open(child: &mut Child) -> Result<(), String> {
    let (Some(stdin), Some(stdout)) = (child.stdin.as_mut(), child.stdout.take()) else {
        return Err("it has no input or output".to_owned());
    };
    let request = control::initialize("doctor");
    let written = stdin
        .write_all(format!("{}\n", request.line).as_bytes())
        .await;
    let mut lines = BufReader::new(stdout.take(OUTPUT_BYTES)).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(answer) = answer(&line) {
            return answer;
        }
    }
    let complaint = complaint(child).await;
    Err(match (complaint.is_empty(), written) {
        (false, _) => format!("it ended without an answer: {complaint}"),
        (true, Err(cause)) => format!("it ended without an answer: {cause}"),
        (true, Ok(())) => "it ended without an answer".to_owned(),
    })
}

/// What a line says about our request; none for other lines.
fn answer(line: &str) -> Option<Result<(), String>> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line.get("type")?.as_str()? != "control_response" {
        return None;
    }
    let response = line.get("response")?;
    match response.get("subtype").and_then(Value::as_str) {
        Some("success") => Some(Ok(())),
        Some(_) | None => Some(Err(format!("it refused: {response}"))),
    }
}

async fn complaint(child: &mut Child) -> String {
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // Whatever could be read is better than nothing.
        let _ = stderr.take(COMPLAINT_BYTES).read_to_end(&mut said).await;
    }
    String::from_utf8_lossy(&said).trim().to_owned()
}

/// An empty directory of our own, removed at the end.
struct Directory {
    path: PathBuf,
}

impl Directory {
    fn create() -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("humanlayer-doctor-{}", Uuid::new_v4()));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // At worst an empty directory stays among the temporary files.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn program(script: &str) -> tempfile::TempPath {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        file.into_temp_path()
    }

    #[tokio::test]
    async fn a_program_that_answers_passes() {
        let agent = program(
            r#"read line; echo '{"type":"system"}'; echo '{"type":"control_response","response":{"subtype":"success"}}'; read line"#,
        );
        assert_eq!(control_protocol(&agent).await, Ok(()));
    }

    #[tokio::test]
    async fn what_went_wrong_is_said() {
        let cases = [
            ("echo 'unknown option' >&2; exit 1", "unknown option"),
            ("read line; exit 0", "without an answer"),
            (
                r#"read line; echo '{"type":"control_response","response":{"subtype":"error","error":"no"}}'"#,
                "refused",
            ),
        ];
        for (script, said) in cases {
            let program = program(script);
            let problem = loop {
                let problem = control_protocol(&program).await.unwrap_err();
                // A test beside this one that starts a process holds the new file open for a moment.
                if !problem.contains("Text file busy") {
                    break problem;
                }
                tokio::task::yield_now().await;
            };
            assert!(problem.contains(said), "{script}: {problem}");
        }
        let missing = control_protocol(Path::new("/no/such/claude")).await;
        assert!(missing.unwrap_err().contains("starting it"));
    }
}
