//! The approval panel: the file and the branch that it is about, and how far it is scrolled.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::Effect;
use crate::domain::text::sanitize;
use crate::domain::{Kind, Tool};
use crate::protocol::approval::Approval;
use crate::tui::state::App;
use crate::tui::state::card::{self, Branch, FileProbe, Subject};

/// Has the file read that the shown approval is about, and the branch where its session works, when
/// another approval is shown.
pub fn reconcile(app: &mut App) -> Vec<Effect> {
    if app.card.subject.approval == app.card.approval {
        return Vec::new();
    }
    let shown = app.card.approval.clone();
    let directory = app
        .selected_session()
        .and_then(|session| session.working_dir.clone());
    let path = app
        .selected_approval()
        .and_then(card::changed_path)
        .unwrap_or_default()
        .to_owned();
    app.card.subject = Subject {
        approval: shown.clone(),
        path: path.clone(),
        ..Subject::default()
    };
    let Some(approval) = shown else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    if let Some(directory) = directory.clone() {
        if app.card.branch.directory.as_ref() != Some(&directory) {
            app.card.branch = Branch {
                directory: Some(directory.clone()),
                name: None,
            };
        }
        effects.push(Effect::Branch { directory });
    } else {
        app.card.branch = Branch::default();
    }
    if !path.is_empty() {
        effects.push(Effect::File {
            approval,
            path,
            base: directory.unwrap_or_default(),
        });
    }
    effects
}

/// What was found where the file should be.
pub fn looked(app: &mut App, approval: &str, path: &str, found: FileProbe) {
    let subject = &mut app.card.subject;
    if subject.approval.as_deref() == Some(approval) && subject.path == path {
        let mut hasher = DefaultHasher::new();
        found.hash(&mut hasher);
        subject.fingerprint = hasher.finish();
        subject.found = Some(found);
    }
}

/// What is checked out in a directory.
pub fn branch(app: &mut App, directory: &str, name: Option<String>) {
    let branch = &mut app.card.branch;
    if branch.directory.as_deref() == Some(directory) {
        branch.name = name;
    }
}

/// Scrolls the text by some rows; the view keeps it within what there is.
pub fn scroll(app: &mut App, by: i16) {
    app.card.scroll = app.card.scroll.saturating_add_signed(by);
}

/// What one would paste elsewhere: the command, the new text of a file, else the whole input; with
/// hidden characters as what they are.
#[must_use]
pub fn copied(approval: &Approval) -> String {
    let field = match approval.kind {
        Kind::Contact => Some("message"),
        Kind::Permission | Kind::Question | Kind::Plan => {
            Tool::of(&approval.tool_name).and_then(Tool::main_text_field)
        }
    };
    match field
        .and_then(|field| approval.tool_input.get(field))
        .and_then(|text| text.as_str())
    {
        Some(text) => sanitize(text).into_owned(),
        None => serde_json::to_string_pretty(&approval.tool_input).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::tui::effect::Effect;
    use crate::tui::msg::{EffectResult, Msg};
    use crate::tui::state::card::FileProbe;
    use crate::tui::testing::{TuiHarness, approval, session};

    fn edit(id: &str) -> serde_json::Value {
        approval(
            id,
            "s1",
            json!({"tool_name": "Write", "tool_input": {"file_path": "src/a.rs", "content": "b\n"}}),
        )
    }

    #[test]
    fn the_file_is_read_each_time_its_approval_becomes_selected() {
        let sessions = [session("s1", json!({}))];
        let mut tui = TuiHarness::new((140, 40), &[], &[]);
        let asked = [edit("a1"), approval("a2", "s1", json!({})), edit("a3")];
        let effects = tui.connect(&sessions, &asked);
        let read = |approval: &str| Effect::File {
            approval: approval.to_owned(),
            path: "src/a.rs".to_owned(),
            base: "/home/me/src/api".to_owned(),
        };
        assert!(effects.contains(&read("a1")));
        tui.draw();
        let effects = tui.keys("1 j j");
        assert!(effects.contains(&read("a3")) && !effects.contains(&read("a1")));
        assert!(tui.keys("k k").contains(&read("a1")));
    }

    #[test]
    fn what_is_found_is_on_the_card_and_only_for_its_own_approval() {
        let sessions = [session("s1", json!({}))];
        let mut tui = TuiHarness::new((140, 40), &sessions, &[edit("a1"), edit("a2")]);
        let looked = |approval: &str, found| {
            Msg::Done(EffectResult::File {
                approval: approval.to_owned(),
                path: "src/a.rs".to_owned(),
                found,
            })
        };
        tui.tell(looked("a2", FileProbe::Other("too long".to_owned())));
        assert!(!tui.screen().contains("too long"));
        tui.tell(looked("a1", FileProbe::Missing));
        assert!(tui.screen().contains("new file"));
    }
}
