//! `launch`: start a session.
//!
//! Owns the options of a launch. The session's id is chosen here, so that
//! asking again after a lost connection starts nothing twice.

use std::path::PathBuf;

use serde_json::Value;

use super::exit::Failure;
use super::input;
use super::logs::follow_to_end;
use super::{Context, complete};
use crate::client::ClientError;
use crate::domain::text::sanitize_line;
use crate::protocol::session::{LaunchSessionParams, LaunchSessionResponse};

/// Arguments of `launch`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer launch \"fix the failing test\"\n  \
    humanlayer launch -m opus -w ~/src/app --follow \"add a changelog\"\n  \
    git diff | humanlayer launch --title review -")]
pub struct Args {
    /// Prompt: the first message; `-` reads it from standard input
    #[arg(value_name = "PROMPT")]
    pub query: String,

    /// Model: an alias such as opus, or a full name
    #[arg(short, long, add = complete::models())]
    pub model: Option<String>,

    /// Title of the session
    #[arg(short, long)]
    pub title: Option<String>,

    /// Working directory [default: the current one]
    #[arg(short, long, value_name = "DIR")]
    pub working_dir: Option<PathBuf>,

    /// Additional directory that the agent may use (repeatable)
    #[arg(long, value_name = "DIR")]
    pub add_dir: Vec<PathBuf>,

    /// Maximum number of turns
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_turns: Option<u32>,

    /// Text to replace the agent's system prompt
    #[arg(long, value_name = "TEXT")]
    pub system_prompt: Option<String>,

    /// Text to append to the agent's system prompt
    #[arg(long, value_name = "TEXT", conflicts_with = "system_prompt")]
    pub append_system_prompt: Option<String>,

    /// Tools that run without asking, comma-separated (repeatable)
    #[arg(long, value_name = "TOOLS")]
    pub allowed_tools: Vec<String>,

    /// Disallowed tools, comma-separated (repeatable)
    #[arg(long, value_name = "TOOLS")]
    pub disallowed_tools: Vec<String>,

    /// MCP servers: JSON, or a file that contains it
    #[arg(long, value_name = "JSON|FILE")]
    pub mcp_config: Option<String>,

    /// Claude Code's permission mode, such as plan or acceptEdits
    #[arg(long, value_name = "MODE", add = complete::modes())]
    pub permission_mode: Option<String>,

    /// Deny what the agent would ask, instead of asking you
    #[arg(long)]
    pub no_approvals: bool,

    /// Approve everything without asking you
    #[arg(long, conflicts_with = "no_approvals")]
    pub dangerously_skip_permissions: bool,

    /// Limit --dangerously-skip-permissions to N minutes
    #[arg(
        long,
        value_name = "MIN",
        requires = "dangerously_skip_permissions",
        value_parser = clap::value_parser!(i64).range(1..=525_600)
    )]
    pub dangerously_skip_permissions_timeout: Option<i64>,

    /// Isolate the agent (Linux): it can write to its directories only, and does not see this program's
    /// files [default: the `isolation` setting]
    #[arg(long, overrides_with = "no_isolate")]
    pub isolate: bool,

    /// Do not isolate the agent, whatever the `isolation` setting says
    #[arg(long, overrides_with = "isolate")]
    pub no_isolate: bool,

    /// Ask about the project's settings of Claude Code, whatever you have said about them before
    #[arg(long)]
    pub ask_project: bool,

    /// Print what the agent does until its turn ends
    #[arg(long, conflicts_with = "json")]
    pub follow: bool,
}

/// Starts an agent.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let params = params(&args)?;
    let launched = launch(&params, &context).await?;
    context.out.result(&launched, |out| {
        out.line(sanitize_line(&launched.session_id))?;
        out.flush()
    })?;
    if args.follow {
        return follow_to_end(&launched.session_id, context).await;
    }
    Ok(())
}

/// Asks again once when the connection broke before the answer came.
async fn launch(
    params: &LaunchSessionParams,
    context: &Context,
) -> Result<LaunchSessionResponse, Failure> {
    let first = context.client().await?.launch_session(params).await;
    match first {
        Err(ClientError::Lost { .. }) => Ok(context.client().await?.launch_session(params).await?),
        settled => Ok(settled?),
    }
}

fn params(args: &Args) -> Result<LaunchSessionParams, Failure> {
    let working_dir = args.working_dir.clone().unwrap_or_else(|| ".".into());
    let mcp_config: Option<Value> = args
        .mcp_config
        .as_deref()
        .map(|given| input::json_or_file(given, "--mcp-config"))
        .transpose()?;
    let directories = args
        .add_dir
        .iter()
        .map(|path| input::directory(path))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(LaunchSessionParams {
        query: input::message(&args.query, "query")?,
        title: args.title.clone(),
        model: args.model.clone(),
        mcp_config,
        approvals: Some(!args.no_approvals),
        working_dir: Some(input::directory(&working_dir)?),
        max_turns: args.max_turns,
        system_prompt: args.system_prompt.clone(),
        append_system_prompt: args.append_system_prompt.clone(),
        allowed_tools: input::tools(&args.allowed_tools),
        disallowed_tools: input::tools(&args.disallowed_tools),
        additional_directories: (!directories.is_empty()).then_some(directories),
        permission_mode: args.permission_mode.clone(),
        dangerously_skip_permissions: args.dangerously_skip_permissions.then_some(true),
        dangerously_skip_permissions_timeout: args
            .dangerously_skip_permissions_timeout
            .map(|minutes| minutes.saturating_mul(60_000)),
        isolation: match (args.isolate, args.no_isolate) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        },
        ask_project: args.ask_project.then_some(true),
        env: Some(input::environment()),
        ..LaunchSessionParams::default()
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use super::*;
    use crate::commands::cli::{Cli, Verb};
    use clap::Parser;

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        let all = ["humanlayer", "launch"].iter().chain(arguments);
        Cli::try_parse_from(all).map(|cli| match cli.verb {
            Some(Verb::Launch(args)) => *args,
            other => panic!("parsed as {other:?}"),
        })
    }

    #[test]
    fn what_is_typed_is_what_is_asked_for() {
        let args = parse(&[
            "do it",
            "-m",
            "opus",
            "--allowed-tools",
            "Read,Bash(ls a,b)",
            "--dangerously-skip-permissions",
            "--dangerously-skip-permissions-timeout",
            "5",
            "--mcp-config",
            r#"{"mcpServers": {}}"#,
        ])
        .unwrap();
        let asked = params(&args).unwrap();
        assert_eq!(asked.query, "do it");
        assert_eq!(asked.model.as_deref(), Some("opus"));
        assert_eq!(asked.allowed_tools.unwrap(), ["Read", "Bash(ls a,b)"]);
        assert_eq!(asked.dangerously_skip_permissions_timeout, Some(300_000));
        assert_eq!(asked.approvals, Some(true));
        assert!(asked.working_dir.unwrap().starts_with('/'));
        assert!(!asked.env.unwrap().is_empty());
    }

    #[test]
    fn contradictions_are_refused() {
        for wrong in [
            &["q", "--system-prompt", "a", "--append-system-prompt", "b"][..],
            &["q", "--no-approvals", "--dangerously-skip-permissions"],
            &["q", "--dangerously-skip-permissions-timeout", "5"],
            &["q", "--follow", "--json"],
            &["q", "--max-turns", "0"],
            &[],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(params(&parse(&["  "]).unwrap()).is_err());
    }
}
