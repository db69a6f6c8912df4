//! npm `@humanlayer/sdk` 0.7.9, unmodified.

use std::process::Command;

use serde_json::json;

use super::{Api, Program};
use crate::support::real_claude::clients;

/// A program of a user of the SDK; what it prints is JSON.
fn program(api: &Api, source: &str) -> Program {
    let sdk = clients().join("node_modules/@humanlayer/sdk");
    assert!(
        sdk.is_dir(),
        "the pinned npm SDK is not at {}: start the tests with tests/run",
        sdk.display()
    );
    let head = format!(
        "const {{humanlayer}} = require({sdk:?});\n\
         const say = value => console.log(JSON.stringify(value === undefined ? null : value));\n\
         const hl = humanlayer({{runId: 'a-run'}});\n"
    );
    let mut command = api.dress(Command::new("node"));
    command.arg("-e").arg(format!(
        "{head}(async () => {{ {source} }})().catch(e => {{ console.error(e); process.exit(1) }})"
    ));
    Program::start(command)
}

#[test]
fn functions_are_approved_and_denied() {
    let api = Api::start();
    let program = program(
        &api,
        "const add = hl.requireApproval()(async function add({x, y}) { return x + y });\n\
         const wipe = hl.requireApproval()(async function wipe() { throw new Error('it ran') });\n\
         say(await Promise.all([add({x: 2, y: 3}), wipe()]));",
    );
    let (add, wipe) = (api.pending("add"), api.pending("wipe"));
    assert_eq!(add["tool_input"], json!({"x": 2, "y": 3}));
    assert_eq!(wipe["tool_input"], json!({}));
    api.cli(&["approve", add["id"].as_str().unwrap()]);
    api.cli(&["deny", wipe["id"].as_str().unwrap(), "-m", "never"]);
    assert_eq!(
        program.printed(),
        [json!([5, "User denied function wipe with comment: never"])]
    );
}

#[test]
fn a_person_answers_as_a_tool() {
    let api = Api::start();
    let program = program(
        &api,
        "say(await hl.humanAsTool({email: {address: 'a@b.c'}})({message: 'which way?'}));\n\
         const contact = await hl.createHumanContact({spec: {msg: 'mail?', response_options: [{name: 'no'}]}});\n\
         await hl.escalateEmailHumanContact(contact.call_id, {escalation_msg: 'please'});\n\
         say((await hl.backend.contacts().respond(contact.call_id, {response: 'n', response_option_name: 'no'})).status.response);\n\
         say((await hl.getHumanContact(contact.call_id)).status.response_option_name);",
    );
    let asked = api.pending("contact_human");
    assert_eq!(asked["channel"]["email"]["address"], "a@b.c");
    api.cli(&["respond", asked["id"].as_str().unwrap(), "-m", "left"]);
    assert_eq!(program.printed(), [json!("left"), json!("n"), json!("no")]);
}
