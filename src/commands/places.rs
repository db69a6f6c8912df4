//! `places`: where a person's programs run that were not started in a terminal.

use super::Context;
use super::exit::Failure;
use crate::domain::text::sanitize_line;
use crate::format;
use crate::protocol::places::{AddPlaceParams, ListPlacesParams, PlaceInfo, RemovePlaceParams};

/// Arguments of `places`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer places list\n  \
    humanlayer places add $(pgrep -o my-service)\n  \
    humanlayer places remove 2\n\n\
    Programs that you start in a terminal may decide. A service, a cron job, a container or a desktop\n\
    program may once its place is on record; agents never may, whatever place they run in.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the places on record
    List,
    /// Put the place of a running process on record
    Add {
        /// Its process id
        pid: u32,
    },
    /// Take a place off the record
    Remove {
        /// Its number, from `humanlayer places list`
        id: i64,
    },
}

/// Lists, adds or removes.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    match args.verb {
        Verb::List => {
            let places = client.list_places(&ListPlacesParams {}).await?.places;
            list(&mut context, places)
        }
        Verb::Add { pid } => {
            let added = client.add_place(&AddPlaceParams { pid }).await?.place;
            say(&mut context, "added", &added)
        }
        Verb::Remove { id } => {
            let removed = client.remove_place(&RemovePlaceParams { id }).await?.place;
            say(&mut context, "removed", &removed)
        }
    }
}

fn say(context: &mut Context, done: &str, place: &PlaceInfo) -> Result<(), Failure> {
    context.out.result(place, |out| {
        let name = sanitize_line(&place.place);
        out.line(format!("{done} {}: {name}", place.id))
    })
}

fn list(context: &mut Context, places: Vec<PlaceInfo>) -> Result<(), Failure> {
    let terminal = context.out.is_terminal();
    let none = "No places. Programs that are started in a terminal may decide.";
    let header = ["ID", "PLACE", "PROGRAM", "STATE", "ADDED BY", "ADDED"];
    let columns = (header, &["PLACE"][..]);
    context.out.list(places, none, columns, |place| {
        [
            place.id.to_string(),
            place.place,
            place.program,
            if place.present { "present" } else { "gone" }.to_owned(),
            place.added_by,
            format::time(place.created_at, terminal),
        ]
    })
}
