//! What of a launch configuration may be kept in clear.

use serde_json::{Map, Value};

use super::{LaunchSecrets, ProxyAccess};

/// An MCP configuration without anything secret: each server's name, kind, program and address, and
/// the names of its variables and headers. Arguments go too, as tokens are often passed in them.
#[must_use]
pub fn outline(config: &Value) -> Value {
    let servers = config.get("mcpServers").and_then(Value::as_object);
    let servers: Map<String, Value> = servers
        .into_iter()
        .flatten()
        .map(|(name, server)| (name.clone(), server_outline(server)))
        .collect();
    Value::Object(
        [("mcpServers".to_owned(), Value::Object(servers))]
            .into_iter()
            .collect(),
    )
}

fn server_outline(server: &Value) -> Value {
    let mut kept = Map::new();
    for (name, value) in server.as_object().into_iter().flatten() {
        let value = match (name.as_str(), value) {
            ("type" | "command", Value::String(text)) => Value::String(text.clone()),
            ("url", Value::String(text)) => Value::String(bare_url(text)),
            ("env" | "headers", Value::Object(values)) => Value::Object(
                values
                    .keys()
                    .map(|name| (name.clone(), Value::Null))
                    .collect(),
            ),
            _ => continue,
        };
        kept.insert(name.clone(), value);
    }
    Value::Object(kept)
}

/// A URL without user, password, path, query and fragment.
fn bare_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return String::new();
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

/// A stored configuration without secrets, and the secrets that were in it.
pub struct ClearConfig {
    /// The configuration as it may be stored.
    pub config: Value,
    /// What was taken out of it.
    pub secrets: LaunchSecrets,
}

/// Takes the secrets out of a configuration as releases before the encryption stored it; none when
/// there are none in it.
#[must_use]
pub fn take_from_config(stored: &Value) -> Option<ClearConfig> {
    let mut config = stored.clone();
    let object = config.as_object_mut()?;
    let mcp_config = object
        .get("mcp_config")
        .filter(|value| !value.is_null())
        .cloned();
    if let Some(mcp_config) = &mcp_config {
        object.insert("mcp_config".to_owned(), outline(mcp_config));
    }
    let mut proxy = ProxyAccess::default();
    if let Some(stored) = object.get_mut("proxy").and_then(Value::as_object_mut) {
        let mut text = |name| match stored.shift_remove(name) {
            Some(Value::String(text)) => Some(text),
            Some(_) | None => None,
        };
        proxy = ProxyAccess {
            base_url: text("base_url"),
            api_key: text("api_key"),
        };
    }
    let proxy = (proxy != ProxyAccess::default()).then_some(proxy);
    (mcp_config.is_some() || proxy.is_some()).then_some(ClearConfig {
        config,
        secrets: LaunchSecrets {
            env: None,
            mcp_config,
            proxy,
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::*;

    #[test]
    fn an_outline_keeps_names_and_no_values() {
        let config = json!({"mcpServers": {
            "a": {"command": "npx", "args": ["--header", "Authorization: SECRET"], "env": {"K": "SECRET"}},
            "b": {"type": "http", "url": "https://me:SECRET@host:1/SECRET?key=SECRET#SECRET",
                "headers": {"X-Key": "SECRET"}, "headersHelper": "echo SECRET", "oauth": {"clientSecret": "SECRET"}},
            "c": {"url": "SECRET", "command": ["SECRET"], "env": "SECRET"},
            "d": "SECRET",
        }, "more": "SECRET"});
        let kept = outline(&config);
        assert_eq!(
            kept,
            json!({"mcpServers": {
                "a": {"command": "npx", "env": {"K": null}},
                "b": {"type": "http", "url": "https://host:1", "headers": {"X-Key": null}},
                "c": {"url": ""},
                "d": {},
            }})
        );
        assert_eq!(outline(&kept), kept);
        assert_eq!(outline(&Value::Null), json!({"mcpServers": {}}));
    }

    #[test]
    fn secrets_are_taken_out_of_an_old_configuration_once() {
        let old = json!({"model": "opus", "approvals": true,
            "mcp_config": {"mcpServers": {"a": {"command": "x", "env": {"K": "SECRET"}}}},
            "proxy": {"base_url": "https://u:SECRET@p", "model": "m", "api_key": "SECRET"}});
        let taken = take_from_config(&old).unwrap();
        assert!(
            !taken.config.to_string().contains("SECRET"),
            "{}",
            taken.config
        );
        assert_eq!(taken.config["proxy"], json!({"model": "m"}));
        assert_eq!(taken.config["model"], "opus");
        assert_eq!(taken.secrets.mcp_config.as_ref(), old.get("mcp_config"));
        let proxy = taken.secrets.proxy.unwrap();
        assert_eq!(proxy.api_key.as_deref(), Some("SECRET"));
        assert_eq!(proxy.base_url.as_deref(), Some("https://u:SECRET@p"));
        for without in [
            json!({}),
            json!({"mcp_config": null, "proxy": null}),
            json!({"proxy": {"model": "m"}}),
            json!([]),
        ] {
            assert!(take_from_config(&without).is_none(), "{without}");
        }
    }
}
