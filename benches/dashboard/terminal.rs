//! A program in a terminal, and when its screen became what was waited for.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::{Parser, Screen};

/// Columns and rows.
const SIZE: (u16, u16) = (140, 40);
/// How long a screen may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program in a terminal of 140×40.
pub struct Terminal {
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    chunks: Receiver<(Instant, Vec<u8>)>,
    parser: Parser,
    begun: Instant,
    _master: Box<dyn MasterPty>,
}

impl Terminal {
    /// Starts a command, whose changes to this process's environment it gets too.
    pub fn start(command: &Command) -> Self {
        let (columns, rows) = SIZE;
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut builder = CommandBuilder::new(command.get_program());
        builder.args(command.get_args());
        builder.env("TERM", "xterm-256color");
        builder.env("COLORTERM", "truecolor");
        builder.env_remove("NO_COLOR");
        builder.env_remove("TMUX");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => builder.env(name, value),
                None => builder.env_remove(name),
            }
        }
        builder.cwd(
            command
                .get_current_dir()
                .map_or(OsStr::new("/"), |dir| dir.as_os_str()),
        );
        let mut reader = pty.master.try_clone_reader().unwrap();
        let writer = pty.master.take_writer().unwrap();
        let (to, chunks) = channel();
        let begun = Instant::now();
        let child = pty.slave.spawn_command(builder).unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(count) = reader.read(&mut buffer)
                && count > 0
            {
                // The time at which a real terminal would begin to show it.
                let chunk = (Instant::now(), buffer[..count].to_vec());
                if to.send(chunk).is_err() {
                    break;
                }
            }
        });
        Self {
            writer,
            child,
            chunks,
            parser: Parser::new(
                NonZeroU16::new(rows).unwrap(),
                NonZeroU16::new(columns).unwrap(),
                0,
            ),
            begun,
            _master: pty.master,
        }
    }

    /// When the program was started.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// Presses a key.
    pub fn press(&mut self, bytes: &str) {
        self.writer.write_all(bytes.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// When the bytes arrived that made the screen so.
    pub fn until(&mut self, what: &str, so: impl Fn(&Screen) -> bool) -> Instant {
        let deadline = Instant::now() + PATIENCE;
        let mut at = Instant::now();
        while !so(self.parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(left) {
                Ok((came, bytes)) => {
                    at = came;
                    self.parser.process(&bytes);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => panic!(
                    "waited in vain until {what}; the screen:\n{}",
                    self.parser.screen().contents()
                ),
            }
        }
        at
    }

    /// When the screen showed a text first.
    pub fn until_shows(&mut self, text: &str) -> Instant {
        self.until(&format!("the screen shows {text:?}"), |screen| {
            screen.contents().contains(text)
        })
    }

    /// Lets what is being drawn arrive.
    pub fn settle(&mut self) {
        std::thread::sleep(Duration::from_millis(30));
        self.catch_up();
    }

    /// Takes in what has come meanwhile.
    pub fn catch_up(&mut self) {
        while let Ok((_, bytes)) = self.chunks.try_recv() {
            self.parser.process(&bytes);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
