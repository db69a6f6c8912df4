//! What may be done with an approval is one answer, whoever is asked: the daemon's check of a
//! decision, panel, footer, palette, keys and command line.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::domain::capabilities::testing::requests;
use crate::domain::{self, Capability, Decision, Outcome, Source};
use crate::format;
use crate::protocol::approval::Approval;
use crate::tui::effect::Effect;
use crate::tui::forms::Form;
use crate::tui::forms::palette::{Command, PaletteForm};
use crate::tui::keymap::Action;
use crate::tui::state::offered;
use crate::tui::testing::{TuiHarness, session};

const DECIDING: [(Action, &str); 4] = [
    (Action::Approve, "y"),
    (Action::Deny, "n"),
    (Action::Edit, "e"),
    (Action::AlwaysAllow, "a"),
];

/// A decision that needs a capability, and those without which it could not be made at all.
fn decision(capability: Capability) -> Decision {
    let answers = json!({"Which?": "x"}).as_object().unwrap().clone();
    match capability {
        Capability::Approve => Decision::approve(),
        Capability::Deny => Decision::deny("no"),
        Capability::Edit => Decision::Approve {
            comment: None,
            updated_input: Some(json!({"command": "pwd"})),
            updated_permissions: None,
            unread_lines: None,
        },
        Capability::Answer => Decision::Answer {
            answers,
            comment: None,
        },
        Capability::Respond => Decision::Respond {
            text: Some("yes".to_owned()),
            option: None,
        },
        Capability::Always => Decision::Approve {
            comment: None,
            updated_input: None,
            updated_permissions: Some(vec![json!({"type": "addRules"})]),
            unread_lines: None,
        },
        Capability::Interrupt => Decision::Deny {
            reason: "no".to_owned(),
            interrupt: true,
            option: None,
        },
    }
}

fn tui(approval: &Approval) -> TuiHarness {
    let session_record = session(&approval.session_id, json!({}));
    let mut tui = TuiHarness::new(
        (160, 40),
        &[session_record],
        &[serde_json::to_value(approval).unwrap()],
    );
    tui.keys("1");
    tui
}

fn describe(approval: &Approval) -> Value {
    json!([
        approval.kind,
        approval.source,
        approval.accepts_edits,
        approval.permission_suggestions,
        approval.tool_input
    ])
}

#[test]
fn the_daemon_takes_exactly_the_decisions_that_it_offers() {
    for request in requests() {
        let can = Approval::from(&request).capabilities.unwrap();
        for capability in Capability::ALL {
            let checked = request.check(&decision(capability));
            assert_eq!(
                checked.is_ok(),
                can.allows(capability),
                "{capability:?} {:?} {checked:?}",
                describe(&Approval::from(&request))
            );
        }
    }
}

#[test]
fn panel_footer_palette_and_keys_offer_what_the_daemon_takes() {
    for request in requests() {
        let approval = Approval::from(&request);
        let what = describe(&approval);
        let can = approval.can();
        let mut tui = tui(&approval);
        let screen = tui.screen();
        let footer = screen.lines().last().unwrap().to_owned();
        let panel = offered::actions(&approval);
        let palette = PaletteForm::new(crate::tui::keymap::KeyContext::Inbox, Some(&approval), &[]);
        let palette = palette.found();
        for (action, key) in DECIDING {
            let capability = offered::capability(action, approval.kind).unwrap();
            let is_possible = can.allows(capability);
            let in_palette = palette.contains(&Command::Action(action));
            assert_eq!(in_palette, is_possible, "palette: {action:?} {what}");
            let label = panel.iter().find(|(offered, _)| *offered == action);
            if let Some((_, label)) = label {
                assert!(is_possible, "panel: {action:?} {what}");
                let words = format!("{key} {label}");
                // Once, in the panel: the footer has the keys that mean the same for every approval.
                let count = screen.matches(&words).count();
                assert_eq!(count, 1, "{words}: {what}\n{screen}");
                assert!(!footer.contains(&words), "{footer}");
            } else {
                let is_spelled_otherwise = panel.iter().any(|(offered, _)| {
                    offered::capability(*offered, approval.kind) == Some(capability)
                });
                assert!(
                    !is_possible || is_spelled_otherwise,
                    "panel: {action:?} {what}"
                );
            }
            // The key does it, or says why not.
            let mut tui = self::tui(&approval);
            let effects = tui.press(key);
            let decides = effects.iter().any(|e| matches!(e, Effect::Decide(_)));
            let opens = matches!(
                tui.app.form,
                Some(
                    Form::Deny(_)
                        | Form::Edit(_)
                        | Form::AlwaysAllow(_)
                        | Form::Question(_)
                        | Form::Contact(_)
                )
            );
            assert_eq!(decides || opens, is_possible, "key: {action:?} {what}");
            if !is_possible {
                let said = tui.app.notice.as_ref().map(|notice| notice.text.clone());
                assert_eq!(said, Some(approval.why_not(capability)), "{what}");
            }
        }
    }
}

#[test]
fn the_daemons_word_is_taken_not_worked_out_again() {
    let request = domain::Approval::example("Bash", Source::Claude, json!({"command": "ls"}));
    let mut approval = Approval::from(&request);
    let only_deny = domain::Capabilities {
        deny: true,
        ..domain::Capabilities::default()
    };
    approval.capabilities = Some(only_deny);
    let labels: Vec<Action> = offered::actions(&approval)
        .into_iter()
        .map(|(action, _)| action)
        .collect();
    assert_eq!(labels, [Action::Deny, Action::ReadApproval]);
    assert!(tui(&approval).press("y").is_empty());
    let how = format::how_to_decide(&approval);
    assert!(how.starts_with("humanlayer deny"), "{how}");
    approval.outcome = Outcome::Approved;
    approval.capabilities = None;
    assert_eq!(approval.can(), domain::Capabilities::default());
}
