//! Variables that other programs act on: those that name a program or a library that they load.

use super::reason;
use super::run::Run;

impl Run<'_> {
    /// A variable that other programs act on.
    pub fn environment(&mut self, name: &str, value: &str) {
        let part = format!("{name}={value}");
        match name {
            "LD_PRELOAD"
            | "LD_AUDIT"
            | "DYLD_INSERT_LIBRARIES"
            | "BASH_ENV"
            | "ENV"
            | "PROMPT_COMMAND"
                if !value.is_empty() =>
            {
                self.found.add(reason::HIJACKS, &part);
            }
            "GIT_SSH_COMMAND"
            | "GIT_EXTERNAL_DIFF"
            | "GIT_PAGER"
            | "GIT_EDITOR"
            | "GIT_SEQUENCE_EDITOR"
            | "GIT_ASKPASS" => drop(self.text(value)),
            "HISTFILE" if value == "/dev/null" || value.is_empty() => {
                self.found.add(reason::HIDES, &part);
            }
            _ => {}
        }
    }
}
