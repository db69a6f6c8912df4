//! Whether the daemon runs, and how it is.

use crate::client::Client;
use crate::client::ClientError;
use crate::commands::Context;
use crate::commands::exit::Failure;
use crate::commands::kind::Kind;
use crate::commands::output::Output;
use crate::domain::text::sanitize_line;
use crate::format;
use crate::protocol::PROTOCOL_VERSION;
use crate::protocol::remote_api::RemoteApiHealth;

/// Says how the daemon is; fails when none runs or something is wrong with it.
pub async fn run(mut context: Context) -> Result<(), Failure> {
    let socket = &context.config.daemon_socket.value;
    let client = match Client::connect(socket).await {
        Ok(client) => client,
        Err(ClientError::NotRunning { path }) => {
            return Err(Failure::new(
                Kind::NotRunning,
                format!("no daemon is running on {}", path.display()),
            )
            .with_hint("start it with `humanlayer daemon start`"));
        }
        Err(error) => return Err(error.into()),
    };
    let health = client.health().await?;
    if context.out.is_json() {
        context.out.json(&health)?;
    } else {
        let out = &mut context.out;
        let terminal = out.is_terminal();
        let socket = context.config.daemon_socket.value.to_string_lossy();
        out.line(format!(
            "{}, pid {}",
            sanitize_line(&health.status),
            health.pid
        ))?;
        out.line(format!(
            "version   {} (protocol {})",
            sanitize_line(&health.version),
            health.protocol
        ))?;
        if let Some(started) = health.started_at {
            out.line(format!("started   {}", format::moment(started, terminal)))?;
        }
        out.line(format!("socket    {}", sanitize_line(&socket)))?;
        out.line(format!("database  {}", sanitize_line(&health.database)))?;
        out.line(format!("sessions  {} live", health.live_sessions))?;
        if let Some(files) = &health.open_files {
            out.line(format!(
                "files     {} of {} open, room for {} more sessions",
                files.used, files.limit, files.room_for
            ))?;
        }
        match (&health.http_address, &health.http_problem) {
            (Some(address), _) => {
                let address = sanitize_line(address);
                out.line(format!("http      http://{address}/humanlayer/v1"))?;
            }
            (None, Some(problem)) => {
                out.line(format!("http      not served: {}", sanitize_line(problem)))?;
            }
            (None, None) => {}
        }
        for alarm in &health.alarms {
            let session = match alarm.session_id.as_str() {
                "" => String::new(),
                id => format!(
                    " (session {})",
                    sanitize_line(&format::session_id(id, true))
                ),
            };
            out.line(format!(
                "alarm     {}: {}{session}; acknowledge it with `humanlayer alarms ack {}`",
                alarm.id,
                sanitize_line(&alarm.detail),
                alarm.id
            ))?;
        }
        for place in health.places.iter().filter(|place| place.present) {
            out.line(format!(
                "place     {}: {} ({}), added by {}",
                place.id,
                sanitize_line(&place.place),
                sanitize_line(&place.program),
                sanitize_line(&place.added_by)
            ))?;
        }
        if let Some(api) = &health.remote_api {
            remote_api(out, api)?;
        }
        if let Some(problem) = &health.problem {
            out.line(format!("problem   {}", sanitize_line(problem)))?;
        }
        if health.protocol != PROTOCOL_VERSION {
            out.line(format!(
                "          this program speaks protocol {PROTOCOL_VERSION}; `humanlayer daemon restart` is safe"
            ))?;
        }
    }
    match health.problem {
        Some(problem) => Err(Failure::shown(Kind::CheckFailed, problem)),
        None => Ok(()),
    }
}

fn remote_api(out: &mut Output, api: &RemoteApiHealth) -> std::io::Result<()> {
    let terminal = out.is_terminal();
    out.line(format!("api       {}", sanitize_line(&api.place)))?;
    if let Some(problem) = &api.problem {
        return out.line(format!("          {}", sanitize_line(problem)));
    }
    for (name, part) in api.parts() {
        let mut line = format!("          {name}: ");
        match (&part.problem, part.last_success_at) {
            (Some(problem), _) => line.push_str(&sanitize_line(problem)),
            (None, Some(at)) => line.push_str(&format!("ok, {}", format::time(at, terminal))),
            (None, None) => line.push_str("not tried yet"),
        }
        if let (Some(_), Some(next)) = (&part.problem, part.next_try_at) {
            let seconds = next.as_second() - jiff::Timestamp::now().as_second();
            line.push_str(&format!("; next try in {}", format::span(seconds.max(0))));
        }
        out.line(line)?;
    }
    Ok(())
}
