//! `docs`: the longer pages, which are part of this program.

use std::io::Write as _;
use std::process::{Command, Stdio};

use clap::ValueEnum as _;
use serde_json::{Value, json};

use super::exit::Failure;
use super::output::Output;
use crate::config::{FOREIGN, describe};
use crate::protocol::doc;

/// Arguments of `docs`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer docs\n  \
    humanlayer docs protocol\n  \
    humanlayer docs config > settings.md\n\n\
    On a terminal a page is shown in $PAGER.")]
pub struct Args {
    /// The page; without one, the pages are listed
    pub page: Option<Page>,
}

/// The pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Page {
    /// Methods, events and types of the daemon's socket, with examples
    Protocol,
    /// How programs ask: HumanLayer SDKs, MCP, the socket, scripts
    Programs,
    /// Scripts: what each command prints with --json, kinds of errors, exit codes
    Scripts,
    /// What an isolated agent can do and see, what that costs, and where it works
    Isolation,
    /// Every setting
    Config,
}

impl Page {
    fn text(self) -> String {
        match self {
            Self::Protocol => doc::markdown(),
            Self::Programs => include_str!("../../docs/programs.md").to_owned(),
            Self::Scripts => include_str!("../../docs/scripts.md").to_owned(),
            Self::Isolation => include_str!("../../docs/isolation.md").to_owned(),
            Self::Config => settings(),
        }
    }
}

/// Shows a page, or which there are.
pub fn run(args: &Args, mut out: Output) -> Result<(), Failure> {
    let Some(page) = args.page else {
        let pages: Vec<Value> = Page::value_variants()
            .iter()
            .filter_map(Page::to_possible_value)
            .map(|page| {
                let about = page.get_help().map(ToString::to_string);
                json!({"page": page.get_name(), "about": about.unwrap_or_default()})
            })
            .collect();
        return out.result(&pages, |out| {
            pages.iter().try_for_each(|page| {
                let text = |name: &str| page[name].as_str().unwrap_or_default();
                out.line(format!(
                    "humanlayer docs {:<10} {}",
                    text("page"),
                    text("about")
                ))
            })
        });
    };
    let text = page.text();
    if out.is_json() {
        return out.json(&json!({"markdown": text.trim_end()}));
    }
    if out.is_terminal() && paged(&text) {
        return Ok(());
    }
    out.line(text.trim_end())?;
    Ok(())
}

/// Shows a text in the user's pager; whether there was one.
fn paged(text: &str) -> bool {
    let pager = std::env::var_os("PAGER").filter(|pager| !pager.is_empty());
    let started = Command::new("sh")
        .arg("-c")
        // A pager may be given with arguments, so a shell takes it apart, as git does.
        .arg("eval \"$0\"")
        .arg(pager.unwrap_or_else(|| "less -FRX 2>/dev/null || more".into()))
        .stdin(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        return false;
    };
    if let Some(mut stdin) = child.stdin.take() {
        // Who leaves the pager has read enough.
        let _ = stdin.write_all(text.as_bytes());
    }
    child.wait().is_ok_and(|status| status.code() != Some(127))
}

/// Every setting, in Markdown.
fn settings() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         A flag beats the environment, which beats `humanlayer.json` in the working directory, which beats your own \
         `humanlayer.json` (`$XDG_CONFIG_HOME/humanlayer/`, usually `~/.config/humanlayer/`), which beats the default. \
         `--config-file` names another file instead of both. The files are plain JSON; a key with a dot is a key in an \
         object: `{\"dashboard\": {\"theme\": \"light\"}}`.\n\n\
         A file in the working directory comes with a project, perhaps a stranger's. It may set what is marked \
         \"project\" below; anything else in it is ignored with a warning.\n\n\
         `humanlayer config list` shows the values in use and where each comes from, `humanlayer config edit` opens \
         your file with a JSON schema beside it, and `humanlayer doctor` fails if a key is unknown.\n",
    );
    for about in describe() {
        let spec = about.spec;
        text.push_str(&format!("\n## `{}`\n\n{}\n\n", spec.key, spec.doc));
        text.push_str(&format!("- Allowed: {}.\n", about.allowed));
        if !about.default.is_null() {
            text.push_str(&format!("- Default: `{}`.\n", about.default));
        }
        let mut ways: Vec<String> = spec.flag.iter().map(|flag| format!("`{flag}`")).collect();
        ways.extend(spec.env.iter().map(|name| format!("`{name}`")));
        if spec.project {
            ways.push("a project's file".to_owned());
        }
        if !ways.is_empty() {
            text.push_str(&format!("- Also set by: {}.\n", ways.join(", ")));
        }
        if let Some(alias) = spec.alias {
            text.push_str(&format!("- Older name: `{alias}`.\n"));
        }
    }
    text.push_str("\n## Keys of other HumanLayer programs\n\n");
    for (key, doc) in FOREIGN {
        text.push_str(&format!("- `{key}`: {doc}\n"));
    }
    text
}
