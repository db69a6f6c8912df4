//! All settings, each declared once.
//!
//! A row says what a setting is called in the file, in the environment and on the command line,
//! what its values are, what it is when nobody sets it, and whether a project's own file may set
//! it. The resolver, `config list`, the JSON schema and the check for unknown keys all derive from
//! these rows. A project's file may set what is marked `project` and nothing else: how things
//! look, never which program runs, who is talked to or what is asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Time;
use serde_json::Value;

use super::resolve::Resolver;
use super::spec::Spec;
use super::types::{
    Bool, Calls, Integer, KeyBindings, Level, List, Number, Optional, PathName, PortNumber,
    SecretText, Text, TimesOfDay, Url, ValueType,
};
use super::value::{Entry, LogLevel, Port, Secret, Setting};
use super::{CallFor, ConfigError, Warning};

/// A setting as it is documented.
#[derive(Clone, Debug)]
pub struct Description {
    /// What is known about it.
    pub spec: Spec,
    /// Which values there are, in words.
    pub allowed: String,
    /// Its part of the JSON schema.
    pub schema: Value,
    /// What it is when nobody sets it; null when it is then absent.
    pub default: Value,
}

/// Keys in the file that belong to other HumanLayer programs. They are known and mean nothing here.
pub const FOREIGN: [(&str, &str); 6] = [
    ("$schema", "The JSON schema of this file, for editors."),
    (
        "channel",
        "Slack and email channels of HumanLayer's SDKs and npm client. Not used here.",
    ),
    (
        "env",
        "Environment variables that hld passes to its sessions. Not used here: a session gets the environment of whoever starts it.",
    ),
    (
        "thoughts",
        "`humanlayer thoughts` of the npm client. Not used here.",
    ),
    (
        "version_override",
        "The version that hld shows. Not used here.",
    ),
    (
        "www_base_url",
        "The web site of the npm client. Not used here.",
    ),
];

/// Declares a group of settings: a struct with a field for each, how it is resolved, shown and
/// documented. The doc comment of a field is the sentence that users read.
macro_rules! settings {
    (
        $(#[$outer:meta])*
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $out:ty = $key:literal, $kind:expr,
                default: $default:expr
                $(, flag: $flag:literal)?
                $(, env: [$($env:literal),+])?
                $(, alias: $alias:literal)?
                $(, project: $project:literal)?;
            )*
        }
        beside { $( $(#[$beside_meta:meta])* $beside:ident: $beside_type:ty; )* }
    ) => {
        $(#[$outer])*
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: Setting<$out>, )*
            $( $(#[$beside_meta])* pub $beside: $beside_type, )*
        }

        impl $name {
            /// Resolves every setting of this group.
            pub(super) fn resolve_settings(
                from: &Resolver<'_>
                $(, $beside: $beside_type)*
            ) -> Result<Self, ConfigError> {
                Ok(Self {
                    $( $field: from.setting(&Self::spec($key), &$kind, $default)?, )*
                    $( $beside, )*
                })
            }

            /// The settings of this group as they are shown.
            pub(super) fn group_entries(&self) -> Vec<Entry> {
                vec![ $( self.$field.entry($key, |value| ($kind).show(value)), )* ]
            }

            /// The settings of this group as they are documented.
            pub(super) fn describe_group() -> Vec<Description> {
                vec![ $( {
                    let kind = $kind;
                    let default = kind.show(&($default)(Path::new("~")));
                    Description {
                        spec: Self::spec($key),
                        allowed: kind.allowed(),
                        schema: kind.schema(),
                        default,
                    }
                } ),* ]
            }

            /// What is known about the settings of this group.
            pub(super) const SPECS: &'static [Spec] = &[ $( Spec {
                key: $key,
                alias: settings!(@option $($alias)?),
                flag: settings!(@option $($flag)?),
                env: &[$($($env),+)?],
                project: settings!(@project $($project)?),
                doc: concat!($($doc),+).trim_ascii(),
            } ),* ];

            fn spec(key: &str) -> Spec {
                // The key comes from the same table.
                let found = Self::SPECS.iter().find(|spec| spec.key == key);
                found.copied().unwrap_or(Self::SPECS[0])
            }
        }
    };
    (@option) => { None };
    (@option $value:literal) => { Some($value) };
    (@project) => { false };
    (@project $value:literal) => { $value };
}

settings! {
    /// The resolved configuration.
    #[derive(Clone, Debug)]
    pub struct Config {
        /// Unix socket of the daemon.
        daemon_socket: PathBuf = "daemon_socket", PathName,
            default: |home: &Path| home.join(".humanlayer/daemon.sock"),
            flag: "--daemon-socket", env: ["HUMANLAYER_DAEMON_SOCKET"], alias: "socket_path";
        /// Database of the daemon; its log and the directories of running sessions are beside it.
        database_path: PathBuf = "database_path", PathName,
            default: |home: &Path| home.join(".humanlayer/daemon.db"),
            env: ["HUMANLAYER_DATABASE_PATH"];
        /// Claude Code's program. Default: `claude` on the PATH of whoever starts a session.
        claude_path: Option<PathBuf> = "claude_path", Optional(PathName),
            default: |_: &Path| None, env: ["HUMANLAYER_CLAUDE_PATH"];
        /// Isolate agents whose launch does not say otherwise (Linux): most of the machine is read-only for them, and this program's own files are hidden. `humanlayer doctor` says whether this system can.
        isolation: bool = "isolation", Bool,
            default: |_: &Path| false, env: ["HUMANLAYER_ISOLATION"];
        /// How many sessions may be running at once that one agent launched, or those which it launched did; 0 lets agents launch none.
        agent_launches: u16 = "agent_launches", Integer { least: 0, most: 1000, what: "a whole number from 0 to 1000" },
            default: |_: &Path| 8, env: ["HUMANLAYER_AGENT_LAUNCHES"];
        /// How much the daemon logs.
        log_level: LogLevel = "log_level", Level,
            default: |_: &Path| LogLevel::Info, env: ["HUMANLAYER_LOG_LEVEL"];
        /// Minutes without work after which an idle session's process ends. A later message resumes the session.
        session_idle_minutes: f64 = "session_idle_minutes",
            Number { above: Some(0.0), least: None, most: 525_600.0, unit: "minutes" },
            default: |_: &Path| 10.0, env: ["HUMANLAYER_SESSION_IDLE_MINUTES"];
        /// Key for a HumanLayer API; `humanlayer login` stores it.
        api_key: Option<Secret> = "api_key", Optional(SecretText),
            default: |_: &Path| None, env: ["HUMANLAYER_API_KEY"];
        /// Base URL of the HumanLayer API that the daemon polls when there is a key.
        api_base_url: String = "api_base_url", Url,
            default: |_: &Path| "https://api.humanlayer.dev/humanlayer/v1".to_owned(),
            env: ["HUMANLAYER_API_BASE", "HUMANLAYER_API_BASE_URL"];
        /// Seconds between two polls of the HumanLayer API while something is going on.
        api_poll_seconds: f64 = "api_poll_seconds",
            Number { above: None, least: Some(0.05), most: 3600.0, unit: "seconds" },
            default: |_: &Path| 3.0, env: ["HUMANLAYER_API_POLL_SECONDS"];
        /// URL of HumanLayer's web application, for other HumanLayer programs.
        app_base_url: String = "app_base_url", Url,
            default: |_: &Path| "https://app.humanlayer.dev".to_owned(),
            env: ["HUMANLAYER_APP_URL"];
        /// Address at which the daemon serves the HumanLayer API to local programs.
        http_host: String = "http_host", Text("an address"),
            default: |_: &Path| "127.0.0.1".to_owned(), env: ["HUMANLAYER_DAEMON_HTTP_HOST"];
        /// Port of that address; 0 switches it off, `any` takes a free one, which `humanlayer daemon status` shows.
        http_port: Port = "http_port", PortNumber,
            default: |_: &Path| Port::Number(7777), env: ["HUMANLAYER_DAEMON_HTTP_PORT"];
        /// Whether `http_host` may be an address that other machines reach.
        http_allow_remote: bool = "http_allow_remote", Bool,
            default: |_: &Path| false, env: ["HUMANLAYER_DAEMON_HTTP_ALLOW_REMOTE"];
        /// Run id under which `contact_human` and the MCP servers ask.
        run_id: Option<String> = "run_id", Optional(Text("a run id")),
            default: |_: &Path| None, env: ["HUMANLAYER_RUN_ID"];
    }
    beside {
        /// How the user wants the dashboard.
        dashboard: Dashboard;
        /// The user's own file, or the one asked for, if there was one.
        file: Option<PathBuf>;
        /// The project's file, if there was one.
        project_file: Option<PathBuf>;
        /// What in the files means nothing, or is not theirs to set.
        warnings: Vec<Warning>;
    }
}

settings! {
    /// How the user wants the dashboard. Which actions and themes there are is not known here; the
    /// dashboard checks those names itself.
    #[derive(Clone, Debug)]
    pub struct Dashboard {
        /// Colour theme. Default: dark or light, as the terminal says (`COLORFGBG`, else it is asked).
        theme: Option<String> = "dashboard.theme", Optional(Text("a theme")),
            default: |_: &Path| None, project: true;
        /// Keys of actions: each action named here gets these keys instead of its default ones. `humanlayer config keys` lists the actions.
        keys: BTreeMap<String, Vec<String>> = "dashboard.keys", KeyBindings,
            default: |_: &Path| BTreeMap::new();
        /// Ring the terminal's bell: when an approval is pending (needs_you), and when a turn that is not on the screen failed or finished.
        bell: CallFor = "dashboard.bell", Calls, default: |_: &Path| CallFor::ALL;
        /// Send a desktop notification for the same events, while the terminal is not focused.
        notify: CallFor = "dashboard.notify", Calls, default: |_: &Path| CallFor::NONE;
        /// Hours without bell and notifications, by the clock of this machine.
        quiet_hours: Option<(Time, Time)> = "dashboard.quiet_hours", Optional(TimesOfDay),
            default: |_: &Path| None;
        /// Ask for a second, different key before a dangerous call is approved.
        confirm_dangerous: bool = "dashboard.confirm_dangerous", Bool, default: |_: &Path| true;
        /// Milliseconds that an approval must have been on the screen, unchanged, before a key decides it.
        decision_guard_ms: u16 = "dashboard.decision_guard_ms",
            Integer { least: 100, most: 10_000, what: "a whole number of milliseconds from 100 to 10000" },
            default: |_: &Path| 400, env: ["HUMANLAYER_DECISION_GUARD_MS"];
        /// Use the mouse. Without it the terminal's own selection works without shift.
        mouse: bool = "dashboard.mouse", Bool, default: |_: &Path| true, project: true;
        /// Reasons offered when you deny. Default: the built-in ones.
        deny_reasons: Option<Vec<String>> = "dashboard.deny_reasons", Optional(List("reasons, such as [\"Not now.\"]")),
            default: |_: &Path| None;
    }
    beside {}
}

impl Config {
    /// Every value and where it comes from, secrets masked.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = self.group_entries();
        entries.extend(self.dashboard.group_entries());
        entries
    }
}

impl Dashboard {
    /// What somebody has set, as it would be written in the object.
    pub fn set(&self) -> impl Iterator<Item = (String, Value)> {
        self.group_entries()
            .into_iter()
            .filter(|entry| !entry.is_default)
            .map(|entry| {
                let name = entry.key.rsplit('.').next().unwrap_or(entry.key);
                (name.to_owned(), entry.value)
            })
    }
}

/// What is known about every setting, in the order in which they are shown.
pub fn specs() -> impl Iterator<Item = &'static Spec> {
    Config::SPECS.iter().chain(Dashboard::SPECS)
}

/// Every setting as it is documented, in the order in which they are shown.
#[must_use]
pub fn describe() -> Vec<Description> {
    let mut all = Config::describe_group();
    all.extend(Dashboard::describe_group());
    all
}
