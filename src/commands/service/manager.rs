//! The service managers: what a service's file says to each, where it lies, and how each is spoken to.
//!
//! Knows systemd and launchd, and starts nothing itself.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::platform;

/// What the comment says that this program puts at the beginning of its file.
pub(super) const MARK: &str =
    "Written by `humanlayer service install`. Checksum of the other lines: ";
/// The unit's name.
const UNIT: &str = "humanlayer.service";
/// The agent's name.
const LABEL: &str = "dev.humanlayer.humanlayer";

/// Who starts services here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Manager {
    Systemd,
    Launchd,
}

/// What the manager's program is called with.
pub(super) struct Words {
    pub words: Vec<String>,
    /// Whether it is no failure if the manager refuses.
    pub may_fail: bool,
}

fn words(line: &str) -> Words {
    Words {
        words: line.split(' ').map(str::to_owned).collect(),
        may_fail: false,
    }
}

/// The words of a line, and a file as the last one.
fn words_and(line: &str, file: &Path) -> Words {
    let mut all = words(line);
    all.words.push(file.to_string_lossy().into_owned());
    all
}

impl Manager {
    pub fn here() -> Self {
        match cfg!(target_os = "macos") {
            true => Self::Launchd,
            false => Self::Systemd,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
        }
    }

    /// The program that speaks to it.
    pub fn tool(self) -> &'static str {
        match self {
            Self::Systemd => "systemctl",
            Self::Launchd => "launchctl",
        }
    }

    /// How a person calls that program.
    pub fn tool_of_user(self) -> &'static str {
        match self {
            Self::Systemd => "systemctl --user",
            Self::Launchd => "launchctl",
        }
    }

    /// Where the service's file lies.
    pub fn file(self, home: &Path, config_home: &Path) -> PathBuf {
        match self {
            Self::Systemd => config_home.join("systemd/user").join(UNIT),
            Self::Launchd => home
                .join("Library/LaunchAgents")
                .join(format!("{LABEL}.plist")),
        }
    }

    /// What the file says, with the mark and without its checksum.
    pub fn text(self, command: &[String]) -> String {
        match self {
            Self::Systemd => unit(command),
            Self::Launchd => plist(command),
        }
    }

    /// Has the service start at each login.
    pub fn enable(self, _file: &Path) -> Vec<Words> {
        match self {
            Self::Systemd => vec![
                words("--user daemon-reload"),
                words(&format!("--user enable {UNIT}")),
            ],
            Self::Launchd => vec![words(&format!("enable {}", target()))],
        }
    }

    /// Starts it now, with the file as it is now.
    pub fn start(self, file: &Path) -> Vec<Words> {
        match self {
            Self::Systemd => vec![words(&format!("--user restart {UNIT}"))],
            Self::Launchd => vec![
                // It refuses where nothing is loaded.
                Words {
                    may_fail: true,
                    ..words(&format!("bootout {}", target()))
                },
                words_and(&format!("bootstrap {}", domain()), file),
            ],
        }
    }

    /// Stops the service, and has it start no more.
    pub fn disable(self) -> Vec<Words> {
        match self {
            Self::Systemd => vec![words(&format!("--user disable --now {UNIT}"))],
            Self::Launchd => vec![Words {
                may_fail: true,
                ..words(&format!("bootout {}", target()))
            }],
        }
    }

    /// Tells the manager that the file is gone.
    pub fn forget(self) -> Vec<Words> {
        match self {
            Self::Systemd => vec![words("--user daemon-reload")],
            Self::Launchd => Vec::new(),
        }
    }

    /// What answers whether it is enabled, and whether it runs; none where nothing does.
    pub fn state(self) -> [Option<Vec<String>>; 2] {
        match self {
            Self::Systemd => ["is-enabled", "is-active"]
                .map(|verb| Some(words(&format!("--user {verb} {UNIT}")).words)),
            Self::Launchd => [None, Some(words(&format!("print {}", target())).words)],
        }
    }

    /// The word that an answer to [`Self::state`] has.
    pub fn word(self, said: &Output) -> String {
        match self {
            Self::Systemd => String::from_utf8_lossy(&said.stdout).trim().to_owned(),
            Self::Launchd if said.status.success() => "loaded".to_owned(),
            Self::Launchd => "not loaded".to_owned(),
        }
    }
}

/// Where launchd keeps the agents of this user.
fn domain() -> String {
    format!("gui/{}", platform::user_id())
}

fn target() -> String {
    format!("{}/{LABEL}", domain())
}

/// `KillMode=process`: agents outlive a restart of the daemon.
fn unit(command: &[String]) -> String {
    let words: Vec<String> = command
        .iter()
        .enumerate()
        .map(|(position, word)| quoted(word, position == 0))
        .collect();
    format!(
        "# {MARK}\n\
         [Unit]\n\
         Description=humanlayer, which runs agents and asks you what they may do\n\
         Documentation=man:humanlayer(1)\n\
         \n\
         [Service]\n\
         Type=notify\n\
         ExecStart={}\n\
         KillMode=process\n\
         Restart=on-failure\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        words.join(" ")
    )
}

/// A word as systemd reads it back. In the program's name it replaces no variables.
fn quoted(word: &str, is_program: bool) -> String {
    let word = word
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    match is_program {
        true => format!("\"{word}\""),
        false => format!("\"{}\"", word.replace('$', "$$")),
    }
}

/// `AbandonProcessGroup`: agents outlive a restart of the daemon.
fn plist(command: &[String]) -> String {
    let words: String = command
        .iter()
        .map(|word| {
            let word = word.replace('&', "&amp;").replace('<', "&lt;");
            format!("    <string>{word}</string>\n")
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!-- {MARK} -->\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n\
         <dict>\n  \
         <key>Label</key>\n  <string>{LABEL}</string>\n  \
         <key>ProgramArguments</key>\n  <array>\n{words}  </array>\n  \
         <key>RunAtLoad</key>\n  <true/>\n  \
         <key>KeepAlive</key>\n  <dict>\n    <key>SuccessfulExit</key>\n    <false/>\n  </dict>\n  \
         <key>AbandonProcessGroup</key>\n  <true/>\n\
         </dict>\n\
         </plist>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_as_they_were() {
        assert_eq!(quoted("/a b/100%$x\"\\", true), r#""/a b/100%%$x\"\\""#);
        assert_eq!(quoted("$HOME", false), r#""$$HOME""#);
        let text = plist(&["/a&b".to_owned(), "<x>".to_owned()]);
        assert!(text.contains("<string>/a&amp;b</string>"), "{text}");
        assert!(text.contains("<string>&lt;x></string>"), "{text}");
    }

    #[test]
    fn each_manager_has_its_place_and_its_words() {
        let place = |manager: Manager| manager.file(Path::new("/h"), Path::new("/c"));
        assert_eq!(
            place(Manager::Systemd),
            Path::new("/c/systemd/user/humanlayer.service")
        );
        assert_eq!(
            place(Manager::Launchd),
            Path::new("/h/Library/LaunchAgents/dev.humanlayer.humanlayer.plist")
        );
        let file = Path::new("/with space/x.plist");
        let started = Manager::Launchd.start(file);
        let last = started.last().and_then(|words| words.words.last());
        assert_eq!(last.map(String::as_str), Some("/with space/x.plist"));
    }
}
