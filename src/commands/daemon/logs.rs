//! The daemon's newest log, until now or as it goes on.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::commands::Context;
use crate::commands::exit::Failure;
use crate::commands::kind::Kind;
use crate::logging;

/// How often a followed log is looked at.
const INTERVAL: Duration = Duration::from_millis(200);
/// Bytes read at once.
const CHUNK: u64 = 1024 * 1024;

/// Prints the log.
pub async fn run(follow: bool, mut context: Context) -> Result<(), Failure> {
    let directory = context.config.log_directory().to_owned();
    let mut open = match logging::newest_file(&directory) {
        Some(path) => Reading::open(path)?,
        None if follow => Reading::default(),
        None => {
            return Err(Failure::new(
                Kind::NOT_FOUND,
                format!("there is no log in {}", directory.display()),
            )
            .with_hint("a daemon that runs with --headless logs to standard error"));
        }
    };
    loop {
        while let Some(lines) = open.read()? {
            if context.out.is_json() {
                for line in lines.lines() {
                    context.out.json_line(&json!({"line": line}))?;
                }
            } else {
                context.out.block("", lines.trim_end_matches('\n'))?;
            }
        }
        context.out.flush()?;
        if !follow {
            return Ok(());
        }
        tokio::time::sleep(INTERVAL).await;
        // A new day has a new file, and the old one is finished then.
        if let Some(newest) = logging::newest_file(&directory)
            && open.path.as_ref() != Some(&newest)
        {
            open = Reading::open(newest)?;
        }
    }
}

/// A log file and how far it was read.
#[derive(Default)]
struct Reading {
    path: Option<PathBuf>,
    file: Option<File>,
    offset: u64,
}

impl Reading {
    fn open(path: PathBuf) -> Result<Self, Failure> {
        match File::open(&path) {
            Ok(file) => Ok(Self {
                path: Some(path),
                file: Some(file),
                offset: 0,
            }),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(Failure::failed(format!(
                "opening {}: {cause}",
                path.display()
            ))),
        }
    }

    /// The next whole lines; none when there are none yet.
    fn read(&mut self) -> Result<Option<String>, Failure> {
        let Some(file) = &mut self.file else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.offset))
            .and_then(|_| file.take(CHUNK).read_to_end(&mut bytes))
            .map_err(|cause| Failure::failed(format!("reading the log: {cause}")))?;
        let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            // A line longer than what is read at once is shown in pieces.
            None if bytes.len() as u64 == CHUNK => bytes.len(),
            None => return Ok(None),
        };
        self.offset += whole as u64;
        Ok(Some(String::from_utf8_lossy(&bytes[..whole]).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::io::Write;

    #[test]
    fn only_whole_lines_are_read_and_each_once() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut reading = Reading::open(file.path().to_owned()).unwrap();
        write!(file, "one\ntw").unwrap();
        assert_eq!(reading.read().unwrap().as_deref(), Some("one\n"));
        assert_eq!(reading.read().unwrap(), None);
        writeln!(file, "o").unwrap();
        assert_eq!(reading.read().unwrap().as_deref(), Some("two\n"));
    }
}
