//! The remote HumanLayer API: is there a key, and how does the daemon fare with it?
//!
//! Asks the daemon, not the API: `ping` does that.

use secrecy::SecretString;

use super::{Finding, daemon};
use crate::config::Config;
use crate::protocol::remote_api::RemoteApiHealth;
use crate::protocol::session::HealthResponse;
use crate::remote_api::client::Api;

const CHECK: &str = "remote api";

/// Examines the key, the address, and what the daemon says of them.
pub async fn examine(config: &Config) -> Finding {
    let Some(key) = &config.api_key.value else {
        return Finding::ok(
            CHECK,
            "no key: nothing is polled; `humanlayer login` stores one",
        );
    };
    let key = SecretString::from(key.expose());
    let api = match Api::new(&config.api_base_url.value, key) {
        Ok(api) => api,
        Err(error) => {
            return Finding::fail(
                CHECK,
                error.to_string(),
                "put that right and run this again",
            );
        }
    };
    if api.is_in_the_clear() {
        return Finding::warn(
            CHECK,
            format!("the key crosses the network unencrypted to {}", api.place()),
            "use an https address, or a tunnel to a loopback address",
        );
    }
    judge(
        api.place(),
        daemon::health(&config.daemon_socket.value).await.as_ref(),
    )
}

fn judge(place: &str, health: Option<&HealthResponse>) -> Finding {
    let restart = "`humanlayer daemon restart` is safe: sessions keep running";
    let Some(health) = health else {
        return Finding::ok(CHECK, format!("{place}; polled when the daemon runs"));
    };
    match &health.remote_api {
        None => Finding::warn(CHECK, "the daemon was started without the key", restart),
        Some(api) => match problem(api) {
            Some(problem) => Finding::warn(CHECK, problem, "`humanlayer ping` tries it now"),
            None if api.place != place => Finding::warn(
                CHECK,
                format!("the daemon uses {}, not {place}", api.place),
                restart,
            ),
            None => Finding::ok(CHECK, format!("{place}, polled")),
        },
    }
}

fn problem(api: &RemoteApiHealth) -> Option<String> {
    let of_a_part = || {
        api.parts()
            .into_iter()
            .find_map(|(name, part)| Some(format!("{name}: {}", part.problem.as_ref()?)))
    };
    api.problem.clone().or_else(of_a_part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::Level;
    use super::*;
    use serde_json::json;

    fn health(api: serde_json::Value) -> HealthResponse {
        serde_json::from_value(json!({"status": "ok", "version": "1", "remote_api": api})).unwrap()
    }

    #[test]
    fn what_the_daemon_says_is_judged() {
        let trouble = json!({"place": "http://x", "answers": {"problem": "cut", "failures": 2}});
        let cases = [
            (None, Level::Ok, "when the daemon runs"),
            (Some(json!(null)), Level::Warn, "without the key"),
            (Some(json!({"place": "http://x"})), Level::Ok, "polled"),
            (
                Some(json!({"place": "http://y"})),
                Level::Warn,
                "not http://x",
            ),
            (Some(trouble), Level::Warn, "answers: cut"),
            (Some(json!({"problem": "no key"})), Level::Warn, "no key"),
        ];
        for (api, level, said) in cases {
            let health = api.map(health);
            let finding = judge("http://x", health.as_ref());
            assert_eq!(finding.level, level, "{said}");
            assert!(finding.message.contains(said), "{finding:?}");
        }
    }
}
