//! Where lines go: stdout, the log of what was received, and a copy of what was said.
//!
//! Owns these files. A line is one write, so that a reader or a kill never sees two lines
//! mixed; a half line, when a script asks for one, is completed before anything else is
//! written. Called from every thread; it knows nothing of what the lines mean.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::messages::unix_millis;

/// The files.
#[derive(Debug)]
pub(super) struct Output {
    stdout: Mutex<Stdout>,
    log: Option<Mutex<File>>,
}

#[derive(Debug)]
struct Stdout {
    file: File,
    /// What is said is appended here first.
    copy: Option<File>,
    /// What is left of a line of which only the first half was written.
    rest: Vec<u8>,
}

impl Output {
    /// Opens stdout without a buffer, and the other files for appending where there are to be some.
    pub(super) fn open(log: Option<&Path>, said: Option<&Path>) -> io::Result<Self> {
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let appending = |path: Option<&Path>| {
            path.map(|path| OpenOptions::new().create(true).append(true).open(path))
                .transpose()
        };
        let log = appending(log)?;
        Ok(Self {
            stdout: Mutex::new(Stdout {
                file,
                copy: appending(said)?,
                rest: Vec::new(),
            }),
            log: log.map(Mutex::new),
        })
    }

    /// Writes one object as a line.
    pub(super) fn line(&self, value: &Value) {
        self.raw(&value.to_string());
    }

    /// Writes this text as a line, whatever it is.
    pub(super) fn raw(&self, text: &str) {
        let mut stdout = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = std::mem::take(&mut stdout.rest);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'\n');
        stdout.put(&bytes);
    }

    /// Writes the first half of a line; the next write begins with the rest.
    pub(super) fn half(&self, value: &Value) {
        self.complete();
        let mut line = value.to_string().into_bytes();
        line.push(b'\n');
        let rest = line.split_off(line.len() / 2);
        let mut stdout = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        stdout.put(&line);
        stdout.rest = rest;
    }

    /// Completes a half line, if there is one.
    pub(super) fn complete(&self) {
        let mut stdout = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = std::mem::take(&mut stdout.rest);
        if !rest.is_empty() {
            stdout.put(&rest);
        }
    }

    /// Notes a line that came in: `kind` says what it was taken for.
    pub(super) fn note(&self, kind: &str, line: &Value) {
        let Some(log) = &self.log else { return };
        let mut entry = json!({ "at": unix_millis(), "kind": kind, "line": line }).to_string();
        entry.push('\n');
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(cause) = log.write_all(entry.as_bytes()) {
            complain(&format!("cannot write the scripted agent's log: {cause}"));
        }
    }

    /// Leaves the process between two lines, never within one.
    pub(super) fn exit(&self, code: i32) -> ! {
        let _whole_lines = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        std::process::exit(code)
    }
}

impl Stdout {
    fn put(&mut self, bytes: &[u8]) {
        if let Some(copy) = &mut self.copy
            && let Err(cause) = copy.write_all(bytes)
        {
            complain(&format!(
                "cannot keep what the scripted agent says: {cause}"
            ));
        }
        // With nobody reading there is nobody to tell either.
        if self.file.write_all(bytes).is_err() {
            std::process::exit(1);
        }
    }
}

/// A line on stderr.
pub(super) fn complain(text: &str) {
    // A closed stderr leaves nowhere to say so.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}
