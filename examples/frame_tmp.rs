use humanlayer::protocol::conversation::ConversationEvent;
use humanlayer::tui::theme::Theme;
use humanlayer::tui::transcript::*;
use ratatui::{buffer::Buffer, layout::Rect};
use serde_json::{Value, json};
use std::time::Instant;

fn ev(seq: i64, v: Value) -> ConversationEvent {
    let mut o = json!({"id": seq, "session_id": "s", "sequence": seq, "created_at": "2026-01-01T00:00:00Z", "is_completed": false});
    for (k, x) in v.as_object().unwrap() {
        o[k] = x.clone();
    }
    serde_json::from_value(o).unwrap()
}
fn stats(name: &str, mut t: Vec<u128>) {
    t.sort();
    println!(
        "{name}: p50 {} p99 {} max {} µs (n={})",
        t[t.len() / 2],
        t[t.len() * 99 / 100],
        t[t.len() - 1],
        t.len()
    );
}
fn rss() -> String {
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    s.lines()
        .find(|l| l.starts_with("VmRSS"))
        .unwrap()
        .to_owned()
}
fn main() {
    let code: String = (1..60)
        .map(|i| {
            format!(
                "{:>6}\u{2192}    let value_{i} = compute(&input[{i}], \"text {i}\")?; // note\n",
                i
            )
        })
        .collect();
    let long: String = (0..400)
        .map(|i| format!("test module::case_{i} ... ok\n"))
        .collect();
    let md = "# Title\n\nSome **bold** words and `code` in a paragraph that is long enough to be wrapped at the width of the terminal, twice.\n\n- one\n- two\n  - three\n\n```rust\nfn main() {\n    let x = vec![1, 2, 3];\n    println!(\"{x:?}\");\n}\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
    let n = 100_000i64;
    let t = Instant::now();
    let events: Vec<_> = (1..=n).map(|at| match at % 10 {
        1 => ev(at, json!({"event_type":"message","role":"user","content":format!("question {at}")})),
        2 => ev(at, json!({"event_type":"message","role":"assistant","content":md})),
        3 => ev(at, json!({"event_type":"tool_call","tool_id":format!("t{at}"),"tool_name":"Read","tool_input_json":"{\"file_path\":\"/p/src/main.rs\"}"})),
        4 => ev(at, json!({"event_type":"tool_result","tool_result_for_id":format!("t{}",at-1),"tool_result_content":code})),
        5 => ev(at, json!({"event_type":"tool_call","tool_id":format!("t{at}"),"tool_name":"Bash","tool_input_json":"{\"command\":\"cargo test --all\"}"})),
        6 => ev(at, json!({"event_type":"tool_result","tool_result_for_id":format!("t{}",at-1),"tool_result_content":long})),
        7 => ev(at, json!({"event_type":"tool_call","tool_id":format!("t{at}"),"tool_name":"Edit","tool_input_json":json!({"file_path":"/p/src/lib.rs","old_string":"fn a() {\n    let x = 1;\n    b(x);\n}\n","new_string":"fn a() {\n    let x = 2;\n    b(x, 7);\n}\n"}).to_string()})),
        8 => ev(at, json!({"event_type":"tool_result","tool_result_for_id":format!("t{}",at-1),"tool_result_content":"ok"})),
        9 => ev(at, json!({"event_type":"thinking","role":"assistant","content":"I think so.\n\nAnd more."})),
        _ => ev(at, json!({"event_type":"message","role":"assistant","content":"done"})),
    }).collect();
    println!("made {:?} {}", t.elapsed(), rss());
    let mut tr = Transcript::new();
    let t = Instant::now();
    tr.replace(events, false);
    println!("replace {:?} {}", t.elapsed(), rss());
    let theme = Theme::dark();
    let area = Rect::new(0, 0, 140, 50);
    let mut buf = Buffer::empty(area);
    let t = Instant::now();
    tr.draw(area, &mut buf, &theme, true);
    println!("first frame, plain {:?}", t.elapsed());
    let t = Instant::now();
    highlight::warm();
    println!("warm {:?} {}", t.elapsed(), rss());
    let t = Instant::now();
    tr.draw(area, &mut buf, &theme, true);
    println!("first frame, highlighted {:?}", t.elapsed());
    for (name, s, k) in [
        ("lines -3", Scroll::Lines(-3), 5000),
        ("pages -1", Scroll::Pages(-1), 2000),
        ("turn back", Scroll::PreviousTurn, 1000),
        ("item back", Scroll::PreviousItem, 2000),
    ] {
        let mut v = vec![];
        for _ in 0..k {
            let t = Instant::now();
            tr.scroll(s);
            tr.draw(area, &mut buf, &theme, true);
            v.push(t.elapsed().as_micros());
        }
        stats(name, v);
    }
    tr.fold_all(false);
    tr.scroll(Scroll::Bottom);
    for (name, s, k) in [
        ("unfolded lines -3", Scroll::Lines(-3), 5000),
        ("unfolded pages -1", Scroll::Pages(-1), 2000),
    ] {
        let mut v = vec![];
        for _ in 0..k {
            let t = Instant::now();
            tr.scroll(s);
            tr.draw(area, &mut buf, &theme, true);
            v.push(t.elapsed().as_micros());
        }
        stats(name, v);
    }
    println!("after scrolling {}", rss());
    tr.scroll(Scroll::Bottom);
    let mut v = vec![];
    for at in n + 1..n + 2001 {
        let e = ev(
            at,
            json!({"event_type":"message","role":"assistant","content":md}),
        );
        let t = Instant::now();
        tr.push(e);
        tr.draw(area, &mut buf, &theme, true);
        v.push(t.elapsed().as_micros());
    }
    stats("push+draw", v);
    let mut v = vec![];
    for i in 0..3000 {
        let w = if i % 40 == 39 {
            "\n\nnext paragraph "
        } else {
            "word "
        };
        let d = json!({"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":w}}});
        let t = Instant::now();
        tr.delta(&d);
        tr.draw(area, &mut buf, &theme, true);
        v.push(t.elapsed().as_micros());
    }
    stats("delta+draw prose", v);
    tr.drop_drafts();
    let mut v = vec![];
    tr.delta(&json!({"event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"```rust\n"}}}));
    for i in 0..1500 {
        let d = json!({"event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":format!("    let x{i} = call({i});\n")}}});
        let t = Instant::now();
        tr.delta(&d);
        tr.draw(area, &mut buf, &theme, true);
        v.push(t.elapsed().as_micros());
    }
    stats("delta+draw code block", v);
    tr.drop_drafts();
    let mut v = vec![];
    tr.delta(&json!({"event":{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"w","name":"Write"}}}));
    for i in 0..5000 {
        let d = json!({"event":{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":if i==0 {"{\"file_path\":\"/a.rs\",\"content\":\"".to_owned()} else {format!("    let x{i} = call({i});\\n")}}}});
        let t = Instant::now();
        tr.delta(&d);
        tr.draw(area, &mut buf, &theme, true);
        v.push(t.elapsed().as_micros());
    }
    stats("delta+draw Write", v);
    tr.drop_drafts();
    for (what, out) in [
        (
            "lines",
            "a line of output that is neither long nor short\n".repeat(220_000),
        ),
        ("one line", "x".repeat(10 * 1024 * 1024)),
    ] {
        let mut tr = Transcript::new();
        tr.push(ev(1, json!({"event_type":"tool_call","tool_id":"t","tool_name":"Bash","tool_input_json":"{\"command\":\"cat\"}"})));
        let e = ev(
            2,
            json!({"event_type":"tool_result","tool_result_for_id":"t","tool_result_content":out}),
        );
        let t = Instant::now();
        tr.push(e);
        tr.draw(area, &mut buf, &theme, true);
        println!("10 MB {what} folded {:?}", t.elapsed());
        let t = Instant::now();
        tr.toggle_fold();
        tr.draw(area, &mut buf, &theme, true);
        println!("10 MB {what} unfold {:?}", t.elapsed());
        let mut v = vec![];
        for _ in 0..2000 {
            let t = Instant::now();
            tr.scroll(Scroll::Pages(1));
            tr.draw(area, &mut buf, &theme, true);
            v.push(t.elapsed().as_micros());
        }
        stats("  pages", v);
        let t = Instant::now();
        println!("search miss {} {:?}", tr.search("zzzz"), t.elapsed());
    }
    let t = Instant::now();
    println!(
        "search miss 100k {} {:?}",
        tr.search("nowhere to be found"),
        t.elapsed()
    );
    let t = Instant::now();
    println!(
        "search hit 100k {} {:?}",
        tr.search("question 1"),
        t.elapsed()
    );
    let t = Instant::now();
    let m = tr.to_markdown();
    println!("markdown {} MB {:?}", m.len() / 1_000_000, t.elapsed());
    let t = Instant::now();
    let c = tool_card(
        "Write",
        &json!({"file_path":"/a.rs","content":"fn a() { let x = 1; }\n".repeat(480_000)}),
        &NoFiles,
        120,
        &theme,
    );
    println!("10 MB card {} rows {:?}", c.len(), t.elapsed());
}
