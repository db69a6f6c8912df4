//! Lines of every shape, and what is made of them.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
use proptest::prelude::*;

use super::*;
use crate::domain::approval::{InputState, UNREADABLE_REQUEST, unreadable_input};

fn question(line: &str) -> Asked {
    match parse(line) {
        AgentLine::Question(asked) => *asked,
        other => panic!("{line}: {other:?}"),
    }
}

fn ask(request: &str) -> String {
    format!(r#"{{"type":"control_request","request_id":"r","request":{request}}}"#)
}

#[test]
fn unknown_shapes_are_kept_not_refused() {
    for line in [
        "not json",
        r#"{"x":1}"#,
        "[]",
        "7",
        r#"{"type":"assistant","message":{}}"#,
    ] {
        let parsed = parse(line);
        assert!(
            matches!(parsed, AgentLine::Malformed(_)),
            "{line}: {parsed:?}"
        );
        assert!(!parsed.is_understood());
    }
    for line in [
        r#"{"type":"brand_new","x":1}"#,
        r#"{"type":"system","subtype":"whatever"}"#,
    ] {
        let parsed = parse(line);
        assert!(matches!(parsed, AgentLine::Unknown), "{line}: {parsed:?}");
        assert!(!parsed.is_understood());
    }
    let line = parse(
        r#"{"type":"assistant","message":{"content":[{"type":"hologram"},{"type":"text","text":"hi"}]}}"#,
    );
    assert!(!line.is_understood());
    let AgentLine::Assistant(line) = line else {
        panic!("an assistant line");
    };
    assert!(
        matches!(&line.blocks[..], [Block::Unknown(said), Block::Text(text)]
            if text == "hi" && said == r#"[unknown hologram] {"type":"hologram"}"#)
    );
}

#[test]
fn the_single_pass_understands_as_the_patient_one_does() {
    // A space is enough to make a line unusual.
    let patient = |line: &str| parse(&line.replacen("{\"type\"", "{ \"type\"", 1));
    let lines = [
        r#"{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"a\nb"},{"type":"thinking","thinking":"t"}],"usage":{"input_tokens":3}},"parent_tool_use_id":"p","error":"e"}"#,
        r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"i","name":"n","input":{"z": 1,"a":[]}}]}}"#,
        r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"i","name":"n","input":{"z":"\ud83d"}}]}}"#,
        r#"{"type":"assistant","message":{"content":[{"type":"hologram"},{"type":"text","text":"hi"}]}}"#,
        r#"{"type":"assistant","message":{"content":[{"type":"text","text":7}]}}"#,
        r#"{"type":"assistant","message":{"content":{"odd":1}}}"#,
        r#"{"type":"assistant","message":{"content":[],"usage":{"input_tokens":null,"output_tokens":2.5,"cache_read_input_tokens":"7","cache_creation_input_tokens":[1]}}}"#,
        r#"{"type":"user","message":{"content":"wörds \u00e4"},"isReplay":true}"#,
        r#"{"type":"user","message":{"content":"x"},"isSynthetic":true}"#,
        r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"i","content":[{"type":"text","text":"x"},{"type":"image"}],"is_error":true}]}}"#,
    ];
    for line in lines {
        assert_eq!(
            format!("{:?}", parse(line)),
            format!("{:?}", patient(line)),
            "{line}"
        );
    }
}

#[test]
fn a_field_that_is_only_shown_or_counted_never_loses_a_line() {
    let odd = [
        "null",
        "7",
        "-1",
        "1.5",
        "1e999",
        "true",
        r#""x""#,
        r#""\ud83d""#,
        "[]",
        "{}",
        "[[1]]",
    ];
    for odd in odd {
        let line = format!(
            r#"{{"type":"assistant","message":{{"id":{odd},"content":[{{"type":"text","text":"hi","citations":{odd}}}],"usage":{{"input_tokens":{odd},"cache_read_input_tokens":5}}}},"parent_tool_use_id":null,"uuid":{odd}}}"#
        );
        let AgentLine::Assistant(parsed) = parse(&line) else {
            panic!("{line}");
        };
        assert!(
            matches!(&parsed.blocks[..], [Block::Text(text)] if text == "hi"),
            "{line}"
        );
        assert_eq!(parsed.usage.unwrap().cache_read_input_tokens, 5, "{line}");

        let line = format!(
            r#"{{"type":"result","subtype":"success","is_error":false,"result":"done","total_cost_usd":{odd},"duration_ms":{odd},"num_turns":{odd},"usage":{odd},"modelUsage":{odd},"errors":{odd},"terminal_reason":{odd}}}"#
        );
        let AgentLine::Result(parsed) = parse(&line) else {
            panic!("{line}");
        };
        assert_eq!(parsed.result.as_deref(), Some("done"), "{line}");
        assert_eq!(parsed.subtype, "success");

        let asked = question(&ask(&format!(
            r#"{{"subtype":"can_use_tool","tool_name":"Bash","input":{{"command":"ls"}},"description":{odd},"permission_suggestions":{odd},"decision_reason":{odd},"blocked_path":{odd},"agent_id":{odd},"tool_use_id":{odd}}}"#
        )));
        assert_eq!(asked.request.tool_name, "Bash", "{odd}");
        assert_eq!(asked.request.input_state, InputState::Readable, "{odd}");
        assert_eq!(asked.request.raw_input, None);

        for line in [
            format!(r#"{{"type":"system","subtype":"init","session_id":{odd},"model":{odd}}}"#),
            format!(
                r#"{{"type":"system","subtype":"api_retry","attempt":{odd},"error_status":{odd},"error":{odd}}}"#
            ),
            format!(
                r#"{{"type":"control_response","response":{{"request_id":{odd},"error":{odd}}}}}"#
            ),
        ] {
            let parsed = parse(&line);
            assert!(!matches!(parsed, AgentLine::Malformed(_)), "{line}");
        }
    }
}

#[test]
fn a_request_whose_input_cannot_be_read_is_asked_with_its_own_bytes() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(300), "]".repeat(300));
    for raw in [
        r#"{"command":"touch made && echo cut \ud83d"}"#,
        r#"{"timeout":1e999}"#,
        deep.as_str(),
    ] {
        let request = format!(
            r#"{{"subtype":"can_use_tool","tool_name":"Bash","input":{raw},"description":"cut \ud83d","tool_use_id":"t"}}"#
        );
        let asked = question(&ask(&request));
        assert_eq!(asked.request_id.as_deref(), Some("r"));
        assert_eq!(asked.request.input_state, InputState::Unreadable, "{raw}");
        assert_eq!(asked.request.raw_input.as_deref(), Some(raw));
        assert_eq!(asked.request.input, unreadable_input(raw));
        assert_eq!(asked.request.tool_use_id.as_deref(), Some("t"));
        // The answers to a question could not be added to it.
        let question_tool = request.replace("Bash", "AskUserQuestion");
        let state = question(&ask(&question_tool)).request.input_state;
        assert_eq!(state, InputState::Unusable);
    }
    for raw in [r#"{"a":1,"a":2}"#, r#"{"n":1.0e0}"#, r#"{ "a": 1 }"#] {
        let asked = question(&ask(&format!(
            r#"{{"subtype":"can_use_tool","tool_name":"Bash","input":{raw}}}"#
        )));
        assert_eq!(asked.request.input_state, InputState::Readable);
        assert_eq!(asked.request.raw_input.as_deref(), Some(raw));
    }
}

#[test]
fn what_asks_without_saying_what_for_is_asked_too_and_cannot_be_approved() {
    for (request, request_id) in [
        (r#"{"subtype":7,"tool_name":"Bash","input":{}}"#, Some("r")),
        (r#"{"subtype":"\ud83d"}"#, Some("r")),
        (
            r#"{"subtype":"hook_\udc00","tool_name":"Bash","input":{}}"#,
            Some("r"),
        ),
        (r#"{}"#, Some("r")),
        (r#"null"#, Some("r")),
        (r#""can_use_tool""#, Some("r")),
        (r#"{"subtype":"can_use_tool"}"#, Some("r")),
    ] {
        let line = ask(request);
        let asked = question(&line);
        assert_eq!(asked.request_id.as_deref(), request_id, "{line}");
        assert_eq!(asked.request.tool_name, UNREADABLE_REQUEST, "{line}");
        assert_eq!(asked.request.input_state, InputState::Unusable, "{line}");
        assert_eq!(asked.request.raw_input.as_deref(), Some(line.as_str()));
    }
    // Cut off, or with something in it that is no JSON.
    let whole = ask(r#"{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"ls"}}"#);
    for line in [
        whole[..whole.len() - 3].to_owned(),
        whole[..60].to_owned(),
        whole.replace(r#""request_id":"r","#, r#""request_id" oops,"#),
        whole.replace(r#""type":"control_request","#, "") + r#" "type":"control_request""#,
    ] {
        assert_eq!(
            question(&line).request.input_state,
            InputState::Unusable,
            "{line}"
        );
    }
    for id in ["null", "7", r#""\ud83d""#] {
        let line = whole.replace(r#""request_id":"r""#, &format!(r#""request_id":{id}"#));
        assert_eq!(question(&line).request_id, None, "{line}");
    }
    for line in [whole.as_str(), "{\"type\":\"control_request\"\u{fffd}}"] {
        let AgentLine::Question(asked) = parse_damaged(line) else {
            panic!("{line}");
        };
        assert_eq!(asked.request.input_state, InputState::Unusable);
    }
    let other = ask(r#"{"subtype":"elicitation"}"#);
    assert!(
        matches!(parse(&other), AgentLine::OtherRequest { subtype, .. } if subtype == "elicitation")
    );
}

#[test]
fn a_turn_ends_however_broken_the_line_that_says_so() {
    for line in [
        r#"{"type":"result"}"#,
        r#"{"type":"result","is_error":"?","subtype":7}"#,
        r#"{"duration_ms":1,"type":"result","subtype":"success","result":"cut \ud83d"}"#,
        r#"{"type":"result","subtype":"success","result":"cut"#,
        r#"{"duration_ms":oops oops,"type":"result","subtype":"success"}"#,
    ] {
        assert!(matches!(parse(line), AgentLine::Result(_)), "{line}");
    }
}

#[test]
fn a_delta_that_clients_could_not_read_is_left_out() {
    let delta = |text: &str| {
        parse(&format!(
            r#"{{"type":"stream_event","event":{{"delta":{{"text":"{text}"}}}}}}"#
        ))
    };
    assert!(matches!(delta("hi"), AgentLine::Delta(_)));
    assert!(matches!(delta(r"\ud83d"), AgentLine::Other));
}

#[test]
fn blocks_of_the_models_host_are_a_line_each() {
    let line = r#"{"type":"assistant","message":{"content":[{"type":"redacted_thinking","data":"EmwKAhgBEgy3va3pzix"},
        {"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"rust"}},
        {"type":"web_search_tool_result","tool_use_id":"s1","content":[{"type":"web_search_result","url":"https://www.rust-lang.org","title":"Rust","encrypted_content":"xxx"}]},
        {"type":"web_search_tool_result","tool_use_id":"s2","content":{"type":"web_search_tool_result_error","error_code":"max_uses_exceeded"}},
        {"type":"image","source":{"type":"base64","data":"AAAA"}}]}}"#;
    let parsed = parse(line);
    assert!(parsed.is_understood());
    let AgentLine::Assistant(parsed) = parsed else {
        panic!("{line}");
    };
    let blocks: Vec<String> = parsed
        .blocks
        .iter()
        .map(|block| format!("{block:?}"))
        .collect();
    assert_eq!(
        blocks,
        [
            r#"Thinking("[redacted thinking]")"#,
            r#"ToolUse { id: "s1", name: "web_search", input: "{\"query\":\"rust\"}" }"#,
            r#"ToolResult { tool_use_id: "s1", content: "Rust https://www.rust-lang.org", is_error: false }"#,
            r#"ToolResult { tool_use_id: "s2", content: "max_uses_exceeded", is_error: true }"#,
            r#"Named("[image]")"#,
        ]
    );
}

#[test]
fn results_of_every_shape_become_text() {
    let text = |json: &str| match parse(&format!(
        r#"{{"type":"user","message":{{"content":[{{"type":"tool_result","tool_use_id":"t","content":{json}}}]}}}}"#
    )) {
        AgentLine::User(User { blocks, .. }) => match blocks.into_iter().next() {
            Some(Block::ToolResult { content, .. }) => content,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(text(r#""plain""#), "plain");
    assert_eq!(text(r#""cut \ud83d""#), "cut \u{fffd}");
    assert_eq!(
        text(r#"[{"type":"text","text":"a"},{"type":"image"}]"#),
        "a\n[image]"
    );
    assert_eq!(text("7"), "7");
}

proptest! {
    #[test]
    fn no_line_panics(line in "\\PC{0,200}", kind in "assistant|user|result|system|control_request|stream_event") {
        drop(parse(&line));
        drop(parse(&format!(r#"{{"type":"{kind}","message":{line:?},"request":{line:?}}}"#)));
    }
}
