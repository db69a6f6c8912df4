//! The form that starts a session: every setting, templates, and what is wrong with what was typed.

mod draw;
mod keys;

pub use draw::draw;
pub use keys::{esc, key, recent_for};

use crate::domain::Tool;
use crate::tui::forms::Field;
use crate::tui::memory::{ASKS_NOTHING, Template};
use crate::tui::state::complete::Completion;

/// Claude Code's permission modes while it is not known which the installed version has, its own
/// default first.
pub const MODES: [&str; 4] = ["default", "acceptEdits", "plan", ASKS_NOTHING];
/// What Claude Code's own default is called, by version.
const DEFAULT_MODES: [&str; 2] = ["default", "manual"];
/// What can be chosen about isolation: as the setting says, or one way or the other.
pub const ISOLATION: [&str; 3] = ["default", "on", "off"];
/// Names for models that always mean a current one.
pub const MODELS: [&str; 3] = ["opus", "sonnet", "haiku"];
/// Tools that Claude Code has, for completing their names.
pub const TOOLS: [Tool; 12] = [
    Tool::Bash,
    Tool::Edit,
    Tool::Glob,
    Tool::Grep,
    Tool::MultiEdit,
    Tool::NotebookEdit,
    Tool::Read,
    Tool::Task,
    Tool::TodoWrite,
    Tool::WebFetch,
    Tool::WebSearch,
    Tool::Write,
];
/// Longest system prompt and title, in bytes, as the daemon has it.
const MAX_BYTES: (usize, usize) = (100 * 1024, 1_000);

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Where the agent works.
    Directory,
    /// What shall be done.
    Query,
    /// Which model.
    Model,
    /// What it may do without asking.
    Mode,
    /// Whether the agent is isolated.
    Isolation,
    /// Directories beside the first.
    Additional,
    /// Tools that run without asking.
    Allowed,
    /// Tools that are disallowed.
    Disallowed,
    /// Is added to the system prompt.
    System,
    /// Maximum number of model turns.
    Turns,
    /// The session's title.
    Title,
}

impl Slot {
    /// All, from top to bottom.
    pub const ALL: [Self; 11] = [
        Self::Directory,
        Self::Query,
        Self::Model,
        Self::Mode,
        Self::Isolation,
        Self::Additional,
        Self::Allowed,
        Self::Disallowed,
        Self::System,
        Self::Turns,
        Self::Title,
    ];

    /// Its name beside the field.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Directory => "Directory",
            Self::Query => "Prompt",
            Self::Model => "Model",
            Self::Mode => "Permission mode",
            Self::Isolation => "Isolation",
            Self::Additional => "Additional directories",
            Self::Allowed => "Allowed tools",
            Self::Disallowed => "Disallowed tools",
            Self::System => "Append system prompt",
            Self::Turns => "Max turns",
            Self::Title => "Title",
        }
    }

    /// What it is for, while it has the keys.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Directory => "working directory · ctrl-n: recent directories",
            Self::Query => "@: file · alt-enter: new line · ctrl-g: editor",
            Self::Model => "empty: Claude Code's default · ctrl-n: opus, sonnet, haiku",
            Self::Mode => "←→ what runs without asking",
            Self::Isolation => "←→ on: can write to its directories only (Linux)",
            Self::Additional => "separated by commas",
            Self::Allowed => "run without asking, for example Read, Bash(git log:*)",
            Self::Disallowed => "never run, for example WebFetch, Bash(curl:*)",
            Self::System => "text to append to the system prompt",
            Self::Turns => "empty: no limit",
            Self::Title => "empty: uses the prompt",
        }
    }

    /// Whether it can hold several lines.
    #[must_use]
    pub fn has_lines(self) -> bool {
        match self {
            Self::Query | Self::System => true,
            Self::Directory
            | Self::Model
            | Self::Mode
            | Self::Isolation
            | Self::Additional
            | Self::Allowed
            | Self::Disallowed
            | Self::Turns
            | Self::Title => false,
        }
    }

    /// Whether it is chosen from some values, and not typed.
    #[must_use]
    pub fn is_chosen(self) -> bool {
        matches!(self, Self::Mode | Self::Isolation)
    }
}

/// What has the keys.
#[derive(Clone, Debug, Default)]
pub enum Inner {
    /// The fields.
    #[default]
    Fields,
    /// The name under which the settings are saved.
    SaveAs(Box<Field>),
    /// The list of templates, with the chosen row.
    Templates(usize),
}

#[derive(Clone, Debug)]
pub struct Launching {
    texts: [Field; Slot::ALL.len()],
    /// The permission modes to choose from, Claude Code's own default first.
    modes: Vec<String>,
    /// The field that has the keys.
    pub at: Slot,
    /// What can be completed in it.
    pub completion: Completion,
    /// What is wrong, and where.
    pub problem: Option<(Slot, String)>,
    /// What has the keys.
    pub inner: Inner,
}

/// What the form asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchRequest {
    /// The settings, with whole paths.
    pub template: Template,
    /// What shall be done.
    pub query: String,
    pub title: Option<String>,
}

impl Launching {
    /// With these settings, and something typed already.
    #[must_use]
    pub fn new(template: &Template, query: &str) -> Self {
        let mut form = Self {
            texts: Default::default(),
            modes: MODES.map(str::to_owned).to_vec(),
            at: Slot::Query,
            completion: Completion::default(),
            problem: None,
            inner: Inner::Fields,
        };
        form.fill(template);
        form.field_mut(Slot::Query).set(query);
        form
    }

    /// The values that a field is chosen from.
    #[must_use]
    pub fn values(&self, slot: Slot) -> Vec<String> {
        match slot {
            Slot::Isolation => ISOLATION.map(str::to_owned).to_vec(),
            _ => self.modes.clone(),
        }
    }

    /// Offers the modes that the installed version lists; none means that it does not say.
    pub fn offer_modes(&mut self, listed: &[String]) {
        if listed.is_empty() {
            return;
        }
        let default = listed
            .iter()
            .find(|mode| DEFAULT_MODES.contains(&mode.as_str()))
            .map_or(MODES[0], String::as_str);
        let others = listed.iter().filter(|mode| *mode != default).cloned();
        let modes: Vec<String> = std::iter::once(default.to_owned()).chain(others).collect();
        if self.line(Slot::Mode) == self.default_mode() {
            self.field_mut(Slot::Mode).set(default);
        }
        self.modes = modes;
    }

    /// The mode that stands for Claude Code's own default.
    fn default_mode(&self) -> &str {
        self.modes.first().map_or(MODES[0], String::as_str)
    }

    /// Puts settings in; what is typed as query stays where the template has none.
    pub fn fill(&mut self, template: &Template) {
        let lists = |list: &Vec<String>| list.join(", ");
        let mode = match template.permission_mode.as_str() {
            "" => self.default_mode().to_owned(),
            mode => mode.to_owned(),
        };
        for (slot, text) in [
            (Slot::Directory, template.directory.clone()),
            (Slot::Model, template.model.clone()),
            (Slot::Mode, mode),
            (
                Slot::Isolation,
                ISOLATION[match template.isolation {
                    None => 0,
                    Some(true) => 1,
                    Some(false) => 2,
                }]
                .to_owned(),
            ),
            (Slot::Additional, lists(&template.additional_directories)),
            (Slot::Allowed, lists(&template.allowed_tools)),
            (Slot::Disallowed, lists(&template.disallowed_tools)),
            (Slot::System, template.system_prompt.clone()),
            (
                Slot::Turns,
                template
                    .max_turns
                    .map_or_else(String::new, |n| n.to_string()),
            ),
        ] {
            self.field_mut(slot).set(&text);
        }
        if !template.query.is_empty() {
            self.field_mut(Slot::Query).set(&template.query);
        }
    }

    /// A field.
    #[must_use]
    pub fn field(&self, slot: Slot) -> &Field {
        &self.texts[slot as usize]
    }

    /// A field to type in.
    pub fn field_mut(&mut self, slot: Slot) -> &mut Field {
        &mut self.texts[slot as usize]
    }

    /// The field that text goes to, if it is one that is typed.
    pub fn typed(&mut self) -> Option<&mut Field> {
        match (&mut self.inner, self.at) {
            (Inner::SaveAs(name), _) => Some(name),
            (Inner::Templates(_), _) => None,
            (Inner::Fields, at) if at.is_chosen() => None,
            (Inner::Fields, at) => Some(&mut self.texts[at as usize]),
        }
    }

    /// A field's text on one line.
    #[must_use]
    pub fn line(&self, slot: Slot) -> String {
        let text = self.field(slot).text();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Gives the keys to the next field, or the one before; around the ends.
    pub fn step(&mut self, by: isize) {
        let here = (self.at as usize).cast_signed();
        let count = Slot::ALL.len().cast_signed();
        let there = (here + by).rem_euclid(count).cast_unsigned();
        self.at = Slot::ALL[there];
        self.completion.close();
    }

    /// Where the agent would work; where the dashboard does while the field makes no sense.
    #[must_use]
    pub fn place(&self, here: &str, home: Option<&str>) -> String {
        whole(&self.line(Slot::Directory), here, home).unwrap_or_else(|_| here.to_owned())
    }

    /// The settings as they are typed, whatever is wrong with them.
    #[must_use]
    pub fn template(&self) -> Template {
        let mode = self.line(Slot::Mode);
        Template {
            directory: self.line(Slot::Directory),
            model: self.line(Slot::Model),
            permission_mode: if mode == self.default_mode() {
                String::new()
            } else {
                mode
            },
            isolation: match self.line(Slot::Isolation).as_str() {
                "on" => Some(true),
                "off" => Some(false),
                _ => None,
            },
            additional_directories: split(&self.line(Slot::Additional)),
            allowed_tools: split(&self.line(Slot::Allowed)),
            disallowed_tools: split(&self.line(Slot::Disallowed)),
            system_prompt: self.field(Slot::System).text().trim().to_owned(),
            max_turns: self.line(Slot::Turns).parse().ok(),
            query: self.field(Slot::Query).text(),
        }
    }

    /// What the form asks for.
    ///
    /// # Errors
    /// The first field with which something is wrong, and what.
    pub fn wanted(&self, here: &str, home: Option<&str>) -> Result<LaunchRequest, (Slot, String)> {
        let wrong = |slot, words: &str| Err((slot, words.to_owned()));
        let query = self.field(Slot::Query).text();
        if query.trim().is_empty() {
            return wrong(Slot::Query, "must not be empty");
        }
        let mut template = self.template();
        template.query = String::new();
        template.directory =
            whole(&template.directory, here, home).map_err(|why| (Slot::Directory, why))?;
        if template.model.contains(' ') {
            return wrong(Slot::Model, "model names contain no spaces");
        }
        for directory in &mut template.additional_directories {
            *directory = whole(directory, here, home).map_err(|why| (Slot::Additional, why))?;
        }
        for (slot, tools) in [
            (Slot::Allowed, &template.allowed_tools),
            (Slot::Disallowed, &template.disallowed_tools),
        ] {
            if let Some(tool) = tools.iter().find(|tool| !is_closed(tool)) {
                return wrong(slot, &format!("{tool}: unclosed bracket"));
            }
        }
        if template.system_prompt.len() > MAX_BYTES.0 {
            return wrong(Slot::System, "is longer than 100 KiB");
        }
        let turns = self.line(Slot::Turns);
        if !turns.is_empty() && template.max_turns.is_none_or(|turns| turns == 0) {
            return wrong(Slot::Turns, "must be a positive integer");
        }
        let title = self.line(Slot::Title);
        if title.len() > MAX_BYTES.1 {
            return wrong(Slot::Title, "is longer than 1000 bytes");
        }
        Ok(LaunchRequest {
            template,
            query,
            title: Some(title).filter(|title| !title.is_empty()),
        })
    }
}

/// A path from the root: `~` is home, relative ones begin here.
fn whole(path: &str, here: &str, home: Option<&str>) -> Result<String, String> {
    let path = path.trim();
    let joined = match (path.strip_prefix('~'), home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            format!("{home}{rest}")
        }
        (Some(rest), None) if rest.is_empty() || rest.starts_with('/') => {
            return Err("~ is unknown here; use an absolute path".to_owned());
        }
        _ if path.starts_with('/') => path.to_owned(),
        _ if path.is_empty() => here.to_owned(),
        _ => format!("{}/{path}", here.trim_end_matches('/')),
    };
    match joined.trim_end_matches('/') {
        "" => Ok("/".to_owned()),
        trimmed => Ok(trimmed.to_owned()),
    }
}

/// Splits a list at commas, but not within brackets.
fn split(list: &str) -> Vec<String> {
    let mut depth = 0usize;
    list.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|entry| !entry.is_empty())
    .map(str::to_owned)
    .collect()
}

fn is_closed(tool: &str) -> bool {
    tool.matches('(').count() == tool.matches(')').count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn form(slot: Slot, text: &str) -> Launching {
        let mut form = Launching::new(&Template::default(), "do it");
        form.field_mut(slot).set(text);
        form
    }

    #[test]
    fn every_field_is_checked_in_words() {
        for (slot, text, why) in [
            (Slot::Query, "  \n ", "must not be empty"),
            (Slot::Model, "two words", "no spaces"),
            (
                Slot::Allowed,
                "Read, Bash(git",
                "Bash(git: unclosed bracket",
            ),
            (Slot::Disallowed, "Bash)", "unclosed bracket"),
            (Slot::Turns, "0", "positive integer"),
            (Slot::Turns, "many", "positive integer"),
            (Slot::Title, &"t".repeat(1_001), "longer than 1000 bytes"),
            (Slot::System, &"t".repeat(102_401), "longer than 100 KiB"),
        ] {
            let (at, said) = form(slot, text).wanted("/here", None).unwrap_err();
            assert_eq!(at, slot, "{text:.20}");
            assert!(said.contains(why), "{said}");
        }
        let (at, _) = form(Slot::Directory, "~/x")
            .wanted("/here", None)
            .unwrap_err();
        assert_eq!(at, Slot::Directory);
        let (at, _) = form(Slot::Additional, "a, ~")
            .wanted("/here", None)
            .unwrap_err();
        assert_eq!(at, Slot::Additional);
    }

    #[test]
    fn directories_become_whole() {
        for (typed, path) in [
            ("", "/here"),
            ("src/", "/here/src"),
            ("/abs/", "/abs"),
            ("/", "/"),
            ("~", "/home/me"),
            ("~/x y/", "/home/me/x y"),
        ] {
            let wanted = form(Slot::Directory, typed).wanted("/here", Some("/home/me"));
            assert_eq!(wanted.unwrap().template.directory, path, "{typed:?}");
        }
    }

    #[test]
    fn what_is_typed_is_what_is_asked_for() {
        let template = Template {
            directory: "/work".to_owned(),
            model: "opus".to_owned(),
            permission_mode: "plan".to_owned(),
            isolation: Some(true),
            additional_directories: vec!["/a".to_owned(), "/b".to_owned()],
            allowed_tools: vec!["Read".to_owned(), "Bash(git log a,b)".to_owned()],
            disallowed_tools: vec!["WebFetch".to_owned()],
            system_prompt: "be brief".to_owned(),
            max_turns: Some(7),
            query: "begin so".to_owned(),
        };
        let mut form = Launching::new(&template, "");
        assert_eq!(form.field(Slot::Query).text(), "");
        form.fill(&template);
        form.field_mut(Slot::Title).set("  My\ttitle ");
        assert_eq!(form.template(), template);
        let wanted = form.wanted("/here", None).unwrap();
        assert_eq!(wanted.query, "begin so");
        assert_eq!(wanted.title.as_deref(), Some("My title"));
        let settings = Template {
            query: String::new(),
            ..template
        };
        assert_eq!(wanted.template, settings);
    }

    #[test]
    fn the_keys_go_around() {
        let mut form = Launching::new(&Template::default(), "");
        for _ in Slot::ALL {
            form.step(1);
        }
        assert_eq!(form.at, Slot::Query);
        form.step(-1);
        form.step(-1);
        assert_eq!(form.at, Slot::Title);
    }
}
