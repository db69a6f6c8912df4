//! The card of the selected approval: its file, and how far it is scrolled.

use super::Effect;
use crate::tui::state::App;
use crate::tui::state::card::{self, Looked, Subject};

/// Has the file read that the selected approval is about, when another one becomes selected.
pub fn settle(app: &mut App) -> Vec<Effect> {
    if app.card.subject.approval == app.inbox.selected {
        return Vec::new();
    }
    let revision = app.card.subject.revision + 1;
    let subject = app.selected_approval().and_then(|approval| {
        let path = card::changed_path(approval)?.to_owned();
        let base = app
            .data
            .session(&approval.session_id)
            .and_then(|session| session.working_dir.clone());
        Some((approval.id.clone(), path, base.unwrap_or_default()))
    });
    app.card.subject = Subject {
        approval: app.inbox.selected.clone(),
        revision,
        ..Subject::default()
    };
    let Some((approval, path, base)) = subject else {
        return Vec::new();
    };
    app.card.subject.path.clone_from(&path);
    vec![Effect::File {
        approval,
        path,
        base,
    }]
}

/// What was found where the file should be.
pub fn looked(app: &mut App, approval: &str, path: &str, found: Looked) {
    let subject = &mut app.card.subject;
    if subject.approval.as_deref() == Some(approval) && subject.path == path {
        subject.found = Some(found);
        subject.revision += 1;
    }
}

/// Scrolls the question by some rows; the view keeps it within what there is.
pub fn scroll(app: &mut App, by: i16) {
    app.inbox.card_scroll = app.inbox.card_scroll.saturating_add_signed(by);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::tui::effect::Effect;
    use crate::tui::msg::{Done, Msg};
    use crate::tui::state::card::Looked;
    use crate::tui::testing::{Rig, approval, session};

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
        let mut rig = Rig::new((140, 40), &[], &[]);
        let asked = [edit("a1"), approval("a2", "s1", json!({})), edit("a3")];
        let effects = rig.connect(&sessions, &asked);
        let read = |approval: &str| Effect::File {
            approval: approval.to_owned(),
            path: "src/a.rs".to_owned(),
            base: "/home/me/src/api".to_owned(),
        };
        assert!(effects.contains(&read("a1")));
        rig.draw();
        let effects = rig.keys("1 j j");
        assert!(effects.contains(&read("a3")) && !effects.contains(&read("a1")));
        assert!(rig.keys("k k").contains(&read("a1")));
    }

    #[test]
    fn what_is_found_is_on_the_card_and_only_for_its_own_approval() {
        let sessions = [session("s1", json!({}))];
        let mut rig = Rig::new((140, 40), &sessions, &[edit("a1"), edit("a2")]);
        let looked = |approval: &str, found| {
            Msg::Done(Done::File {
                approval: approval.to_owned(),
                path: "src/a.rs".to_owned(),
                found,
            })
        };
        let _ = rig.tell(looked("a2", Looked::Other("too long".to_owned())));
        assert!(!rig.screen().contains("too long"));
        let _ = rig.tell(looked("a1", Looked::Missing));
        assert!(rig.screen().contains("will be new"));
    }
}
