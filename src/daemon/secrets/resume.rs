//! Which environment a conversation's next process gets. Pure.
//!
//! A conversation keeps the environment that it was launched with, with its configuration directory
//! and its PATH. A person who asks for it gives it their present credentials, always together with the
//! endpoint that these are for: a key is never sent where it was not meant to go. An agent's
//! environment is never used.

use std::collections::BTreeMap;

use super::{LaunchSecrets, SecretsError};

type Env = BTreeMap<String, String>;

/// Beginnings of the names that say who pays and where: keys, tokens, endpoints, models that only an
/// endpoint has, and what chooses among clouds. They are replaced together.
const CREDENTIAL_PREFIXES: [&str; 8] = [
    "ANTHROPIC_",
    "AWS_",
    "AZURE_",
    "CLAUDE_CODE_OAUTH_",
    "CLAUDE_CODE_SKIP_",
    "CLAUDE_CODE_USE_",
    "GOOGLE_",
    "VERTEX_REGION_",
];

/// The same, whole names.
const CREDENTIALS: [&str; 4] = [
    "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
    "CLOUD_ML_REGION",
    "CLOUDSDK_CONFIG",
    "GCLOUD_PROJECT",
];

/// Whether a variable belongs to the credentials and their endpoint.
#[must_use]
fn is_credential(name: &str) -> bool {
    CREDENTIALS.contains(&name)
        || CREDENTIAL_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Who has a process started.
#[derive(Clone, Copy, Debug)]
pub enum Requester<'a> {
    /// A person, with the environment that their client sent, if it sent one.
    Person(Option<&'a Env>),
    /// An agent, or somebody who cannot be told from one. What it sent is not looked at.
    Agent,
}

/// What a process is launched with, and what its conversation is to say about that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// What it is launched with; to be stored in place of what was.
    pub secrets: LaunchSecrets,
    /// For the conversation; none when all is as it was.
    pub notice: Option<String>,
}

/// Why a process cannot be started now. The text is for the conversation and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotResume {
    /// The stored environment cannot be had, and nobody's may be used in its place.
    #[error(
        "The environment that this session was launched with is missing: {reason}. Resume it from your own terminal or dashboard: it then gets your current environment."
    )]
    NoEnvironment {
        /// Why it is missing.
        reason: SecretsError,
    },
    /// What only the stored data knows is needed.
    #[error(
        "The settings of this session's {what} are missing: {reason}. Continue it with them given anew, or launch a new session."
    )]
    NoSettings {
        /// What they are of.
        what: &'static str,
        /// Why they are missing.
        reason: SecretsError,
    },
    /// An agent asked for other credentials.
    #[error("Only a person can give a session other credentials.")]
    NotAPerson,
    /// A person asked for their credentials, and their client sent none.
    #[error("Your client did not send your environment, so its credentials cannot be used.")]
    NothingSent,
    /// The session's model is reached through a proxy.
    #[error(
        "This session reaches its model through a proxy, whose key was given with it. Continue it with another `proxy_api_key`."
    )]
    Proxy,
}

/// What a session needs of the stored data beside the environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// It has MCP servers, and they are not given anew.
    pub mcp_config: bool,
    /// It has a model proxy, and that is not given anew.
    pub proxy: bool,
}

/// What the next process of a conversation is launched with. With `refresh` a person gives it their
/// present credentials.
///
/// # Errors
/// [`CannotResume`]: the session waits until a person does what it says.
pub fn resume(
    stored: Result<LaunchSecrets, SecretsError>,
    needs: Needs,
    requester: Requester<'_>,
    refresh: bool,
) -> Result<Resumed, CannotResume> {
    if refresh && matches!(requester, Requester::Agent) {
        return Err(CannotResume::NotAPerson);
    }
    let (kept, missing) = match stored {
        Ok(kept) if kept.env.is_some() => (kept, None),
        Ok(kept) => (kept, Some(SecretsError::NotStored)),
        Err(reason) => (LaunchSecrets::default(), Some(reason)),
    };
    for (needed, there, what) in [
        (needs.mcp_config, kept.mcp_config.is_some(), "MCP servers"),
        (needs.proxy, kept.proxy.is_some(), "model proxy"),
    ] {
        if needed && !there {
            let reason = missing.unwrap_or(SecretsError::NotStored);
            return Err(CannotResume::NoSettings { what, reason });
        }
    }
    if let Some(reason) = missing {
        let Requester::Person(Some(env)) = requester else {
            return Err(CannotResume::NoEnvironment { reason });
        };
        return Ok(Resumed {
            notice: Some(format!(
                "Resumed with your current environment, because the one that this session was launched with is missing: {reason}."
            )),
            secrets: LaunchSecrets {
                env: Some(env.clone()),
                ..kept
            },
        });
    }
    match requester {
        Requester::Person(Some(env)) if refresh => replace_credentials(kept, env),
        Requester::Person(None) if refresh => Err(CannotResume::NothingSent),
        Requester::Person(_) | Requester::Agent => Ok(Resumed {
            secrets: kept,
            notice: None,
        }),
    }
}

fn replace_credentials(kept: LaunchSecrets, present: &Env) -> Result<Resumed, CannotResume> {
    if kept.proxy.is_some() {
        return Err(CannotResume::Proxy);
    }
    let old = kept.env.clone().unwrap_or_default();
    let (before, mut env): (Env, Env) = old.into_iter().partition(|(name, _)| is_credential(name));
    let now: Env = present
        .iter()
        .filter(|(name, _)| is_credential(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let notice = if before == now {
        "Restarted with your current credentials, which are those that it had.".to_owned()
    } else {
        format!(
            "Restarted with your current credentials: {}.",
            changes(&before, &now)
        )
    };
    env.extend(now);
    Ok(Resumed {
        secrets: LaunchSecrets {
            env: Some(env),
            ..kept
        },
        notice: Some(notice),
    })
}

/// Names of what changed, never values.
fn changes(before: &Env, now: &Env) -> String {
    let list = |names: Vec<&str>| names.join(", ");
    let set = now
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, _)| name.as_str())
        .collect::<Vec<_>>();
    let removed = before
        .keys()
        .filter(|name| !now.contains_key(*name))
        .map(String::as_str)
        .collect::<Vec<_>>();
    match (set.is_empty(), removed.is_empty()) {
        (false, true) => format!("{} set", list(set)),
        (true, false) => format!("{} removed", list(removed)),
        (_, _) => format!("{} set, {} removed", list(set), list(removed)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use rstest::rstest;
    use serde_json::json;

    use super::super::ProxyAccess;
    use super::*;

    fn env(text: &str) -> Env {
        text.split_whitespace()
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn stored(text: &str) -> LaunchSecrets {
        LaunchSecrets {
            env: Some(env(text)),
            ..LaunchSecrets::default()
        }
    }

    const OLD: &str =
        "PATH=/old CLAUDE_CONFIG_DIR=/c ANTHROPIC_API_KEY=old ANTHROPIC_BASE_URL=http://old";

    #[rstest]
    // Without being asked nothing changes, whoever resumes and whatever they have.
    #[case(false, "PATH=/new ANTHROPIC_API_KEY=new", OLD, "")]
    // The key comes with its endpoint, which here is the usual one.
    #[case(
        true,
        "PATH=/new ANTHROPIC_API_KEY=new",
        "PATH=/old CLAUDE_CONFIG_DIR=/c ANTHROPIC_API_KEY=new",
        "ANTHROPIC_API_KEY set, ANTHROPIC_BASE_URL removed"
    )]
    #[case(
        true,
        "ANTHROPIC_AUTH_TOKEN=t ANTHROPIC_BASE_URL=http://new",
        "PATH=/old CLAUDE_CONFIG_DIR=/c ANTHROPIC_AUTH_TOKEN=t ANTHROPIC_BASE_URL=http://new",
        "ANTHROPIC_AUTH_TOKEN, ANTHROPIC_BASE_URL set, ANTHROPIC_API_KEY removed"
    )]
    // Who has logged in has none of these in the environment.
    #[case(
        true,
        "PATH=/new CLAUDE_CONFIG_DIR=/new",
        "PATH=/old CLAUDE_CONFIG_DIR=/c",
        "ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL removed"
    )]
    #[case(
        true,
        "CLAUDE_CODE_OAUTH_TOKEN=o",
        "PATH=/old CLAUDE_CONFIG_DIR=/c CLAUDE_CODE_OAUTH_TOKEN=o",
        "CLAUDE_CODE_OAUTH_TOKEN set"
    )]
    #[case(
        true,
        "CLAUDE_CODE_USE_BEDROCK=1 AWS_PROFILE=p AWS_REGION=r HUMANLAYER_API_KEY=h EDITOR=vi",
        "PATH=/old CLAUDE_CONFIG_DIR=/c CLAUDE_CODE_USE_BEDROCK=1 AWS_PROFILE=p AWS_REGION=r",
        "AWS_PROFILE, AWS_REGION, CLAUDE_CODE_USE_BEDROCK set"
    )]
    #[case(true, OLD, OLD, "those that it had")]
    fn credentials_are_replaced_with_their_endpoint_and_only_when_a_person_asks(
        #[case] refresh: bool,
        #[case] present: &str,
        #[case] expected: &str,
        #[case] said: &str,
    ) {
        let present = env(present);
        let person = Requester::Person(Some(&present));
        let resumed = resume(Ok(stored(OLD)), Needs::default(), person, refresh).unwrap();
        assert_eq!(resumed.secrets, stored(expected));
        let notice = resumed.notice.unwrap_or_default();
        assert!(
            notice.contains(said) && notice.is_empty() == said.is_empty(),
            "{notice}"
        );
        assert!(!notice.contains("http"), "no values: {notice}");
    }

    #[test]
    fn an_agents_environment_is_never_used() {
        let resumed = resume(Ok(stored(OLD)), Needs::default(), Requester::Agent, false);
        assert_eq!(resumed.unwrap().secrets, stored(OLD));
        let refused = resume(Ok(stored(OLD)), Needs::default(), Requester::Agent, true);
        assert_eq!(refused, Err(CannotResume::NotAPerson));
        let missing = resume(
            Err(SecretsError::Unreadable),
            Needs::default(),
            Requester::Agent,
            false,
        );
        assert!(matches!(missing, Err(CannotResume::NoEnvironment { .. })));
    }

    #[test]
    fn what_is_missing_is_said_and_a_persons_environment_helps() {
        let present = env("PATH=/new ANTHROPIC_API_KEY=new");
        let person = Requester::Person(Some(&present));
        for lost in [SecretsError::NotStored, SecretsError::Unreadable] {
            let resumed = resume(Err(lost.clone()), Needs::default(), person, false).unwrap();
            assert_eq!(resumed.secrets.env.as_ref(), Some(&present));
            assert!(resumed.notice.unwrap().contains(&lost.to_string()));
            let waits = resume(Err(lost), Needs::default(), Requester::Person(None), false);
            let text = waits.unwrap_err().to_string();
            assert!(text.contains("your current environment"), "{text}");
        }
        // An earlier release kept the rest, but no environment.
        let old = LaunchSecrets {
            mcp_config: Some(json!({"mcpServers": {}})),
            ..LaunchSecrets::default()
        };
        let needs = Needs {
            mcp_config: true,
            proxy: false,
        };
        let resumed = resume(Ok(old.clone()), needs, person, false).unwrap();
        assert_eq!(
            (resumed.secrets.env, resumed.secrets.mcp_config),
            (Some(present.clone()), old.mcp_config)
        );
        let waits = resume(Err(SecretsError::Unreadable), needs, person, false).unwrap_err();
        assert!(waits.to_string().contains("MCP servers"), "{waits}");
        assert_eq!(
            resume(
                Ok(stored(OLD)),
                Needs::default(),
                Requester::Person(None),
                true
            ),
            Err(CannotResume::NothingSent)
        );
        // A proxy has its own key, and no other is sent there.
        let proxied = LaunchSecrets {
            proxy: Some(ProxyAccess::default()),
            ..stored(OLD)
        };
        assert_eq!(
            resume(Ok(proxied), Needs::default(), person, true),
            Err(CannotResume::Proxy)
        );
    }
}
