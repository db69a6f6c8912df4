//! What programs do with what they are given: tables of programs, verbs and options, and rules for
//! those that a table cannot describe.

mod cloud;
mod disks;
mod files;
mod git;
mod network;
mod output;
mod packages;
mod product;
mod rule;
mod system;
mod table;
mod tools;
mod trees;

pub(super) use git::setting as git_setting;
pub(super) use output::{output, printed};
pub(super) use table::value_options;

use super::reason;
use super::run::Run;
use super::value::{Arg, Flow};

/// One program with its arguments.
pub(super) struct Call<'a> {
    /// The program's name, without its directory.
    pub name: &'a str,
    /// Its arguments.
    pub args: &'a [Arg],
    /// What it reads.
    pub stdin: &'a Flow,
    /// All of it, as it could be written.
    pub whole: &'a str,
}

impl<'a> Call<'a> {
    /// Of a program's name without what only says its version or its system.
    pub fn new(name: &'a str, args: &'a [Arg], stdin: &'a Flow, whole: &'a str) -> Self {
        let name = name.strip_suffix(".exe").unwrap_or(name);
        Self {
            name,
            args,
            stdin,
            whole,
        }
    }

    /// The words of its arguments.
    pub fn words(&self) -> impl Iterator<Item = &'a str> {
        self.args.iter().map(|arg| arg.text.as_str())
    }

    /// Whether its name is among these, parted by blanks.
    pub fn is(&self, names: &str) -> bool {
        names.split(' ').any(|name| name == self.name)
    }

    /// The words before `--` that begin with a dash.
    pub fn options(&self) -> impl Iterator<Item = &'a str> {
        self.words()
            .take_while(|word| *word != "--")
            .filter(|word| word.len() > 1 && word.starts_with('-'))
    }

    /// Whether one of these options is given, alone, with a value, or, of one letter, among others.
    pub fn has(&self, options: &str) -> bool {
        options
            .split(' ')
            .any(|option| match option.split_once('=') {
                Some((name, value)) => self
                    .values(name)
                    .iter()
                    .any(|given| given.eq_ignore_ascii_case(value)),
                None => self.options().any(|word| is_option(word, option)),
            })
    }

    /// The value of an option: the next word, or what is behind `=` or the letter.
    pub fn value(&self, options: &str) -> Option<&'a Arg> {
        let is_option = |word: &str| options.split(' ').any(|option| option == word);
        let at = self.args.iter().position(|arg| is_option(&arg.text))?;
        self.args.get(at + 1)
    }

    /// The values of an option, however it is written.
    pub fn values(&self, options: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut takes = false;
        for word in self.words() {
            if std::mem::take(&mut takes) {
                found.push(word.to_owned());
                continue;
            }
            for option in options.split(' ') {
                if word == option {
                    takes = true;
                } else if let Some(rest) = word.strip_prefix(option) {
                    let is_long = option.len() > 2;
                    match rest.strip_prefix('=') {
                        Some(value) => found.push(value.to_owned()),
                        None if !is_long && !word.starts_with("--") => found.push(rest.to_owned()),
                        None => {}
                    }
                } else if let Some(rest) = self.among(word, option) {
                    if rest.is_empty() {
                        takes = true;
                    } else {
                        found.push(rest.to_owned());
                    }
                }
            }
        }
        found
    }

    /// What is behind the letter of an option that stands behind letters without values: `-sSo x`.
    fn among<'w>(&self, word: &'w str, option: &str) -> Option<&'w str> {
        let letter = option.strip_prefix('-').filter(|rest| rest.len() == 1)?;
        let letters = word
            .strip_prefix('-')
            .filter(|rest| !rest.starts_with('-'))?;
        let at = letters.find(letter)?;
        let values = value_options(self.name);
        let is_bare = letters[..at].chars().all(|c| {
            c.is_ascii_alphabetic()
                && !values
                    .iter()
                    .any(|value| value.strip_prefix('-') == Some(&*c.to_string()))
        });
        is_bare.then(|| &letters[at + 1..])
    }

    /// Its arguments that are neither options nor the values of those that its program is known for.
    pub fn positional(&self) -> Vec<&'a Arg> {
        let values = value_options(self.name);
        let mut found = Vec::new();
        let mut skip = false;
        let mut all = false;
        for arg in self.args {
            let word = arg.text.as_str();
            if std::mem::take(&mut skip) {
                continue;
            }
            if !all && word == "--" {
                all = true;
            } else if !all && word.len() > 1 && word.starts_with('-') {
                skip = values.contains(&word)
                    || values
                        .iter()
                        .any(|value| value.len() == 2 && self.among(word, value) == Some(""));
            } else {
                found.push(arg);
            }
        }
        found
    }

    /// Whether it only says how it is used, or what it is.
    pub fn only_tells(&self) -> bool {
        let verbs = self
            .words()
            .take_while(|word| !word.starts_with('-'))
            .take(3)
            .count();
        let next = self.args.get(verbs).map_or("", |arg| arg.text.as_str());
        next == "--help"
            || (self.args.len() == 1
                && matches!(next, "--version" | "-V" | "-h" | "-v" | "-version"))
            || (verbs > 0 && self.args.first().is_some_and(|arg| arg.text == "help"))
    }
}

/// Whether a word is an option, alone, with a value behind `=`, or, of one letter, among others.
fn is_option(word: &str, option: &str) -> bool {
    if word == option {
        return true;
    }
    if let Some(begin) = option.strip_suffix('*') {
        return word.starts_with(begin);
    }
    let with_value = word
        .strip_prefix(option)
        .is_some_and(|rest| rest.starts_with('='));
    let letter = option.strip_prefix('-').filter(|rest| rest.len() == 1);
    let among = letter.is_some_and(|letter| {
        let letters = word.get(1..).unwrap_or_default();
        !word.starts_with("--")
            && letters.chars().all(|c| c.is_ascii_alphanumeric())
            && letters.contains(letter)
    });
    with_value || among
}

/// Says what a program downloads and runs.
pub(super) fn packages(run: &mut Run<'_>, call: &Call<'_>) {
    packages::judge(run, call);
}

/// Says what a program does that is dangerous.
pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    let name = call.name;
    // What comes behind these is for the program that they run.
    let runs_others = match name {
        "ssh" | "xargs" | "sh" | "bash" => true,
        "docker" | "podman" => call.words().any(|word| matches!(word, "run" | "exec")),
        _ => false,
    };
    if call.only_tells() && !runs_others {
        return;
    }
    if let Some(reason) = table::look_up(call) {
        run.found.add(reason, call.whole);
    }
    git::judge(run, call);
    disks::judge(run, call);
    system::judge(run, call);
    tools::judge(run, call);
    network::judge(run, call);
    product::judge(run, call);
    files::judge(run, call);
    if let Some(reason) = by_verb(call) {
        run.found.add(reason, call.whole);
    }
}

/// A program that no table knows, and a verb that says enough.
fn by_verb(call: &Call<'_>) -> Option<&'static str> {
    const VERBS: [&str; 9] = [
        "delete",
        "destroy",
        "terminate",
        "purge",
        "wipe",
        "nuke",
        "erase",
        "obliterate",
        "factory-reset",
    ];
    if table::is_known(call.name) || files::is_text_tool(call.name) || call.name.contains('.') {
        return None;
    }
    let is_verb = |word: &str| {
        let lower = word.to_ascii_lowercase();
        lower
            .split([':', '-', '_'])
            .any(|part| VERBS.contains(&part))
            && !lower.contains('/')
            && !lower.contains('.')
    };
    let dry = call.has("--dry-run --dryrun --what-if --help --plan --check");
    let words = call.words().take_while(|word| !word.contains('/'));
    let mut verbs = words.filter(|word| !word.starts_with('-')).take(3);
    (!dry && verbs.any(is_verb)).then_some(reason::BY_VERB)
}

/// Whether a program's words may be anything, because it takes them as texts, files or verbs.
pub(super) fn takes_words(name: &str) -> bool {
    table::is_known(name) || files::is_text_tool(name) || name == "unshare"
}

/// Whether the tables have something about a program that matters, its words aside.
pub(super) fn is_judged(name: &str) -> bool {
    table::is_known(name) || network::FETCHERS.split(' ').any(|known| known == name)
}
