//! That each rule can fail: made-up crates that break it, in the ways that a reader of lines would not see.

use std::collections::BTreeMap;
use std::path::Path;

use rstest::rstest;

use super::graph::Graph;
use super::rules::{self, DOORS, LAYERS, WAYS, WORDS};

/// A crate of these files; the modules above each are made.
fn made(files: &[(&str, &str)]) -> Graph {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in files {
        let module = path.trim_start_matches("src/").trim_end_matches(".rs");
        let parts: Vec<&str> = module.split('/').filter(|part| *part != "mod").collect();
        for (depth, part) in parts.iter().enumerate() {
            let above = parts[..depth].join("/");
            let above = match depth {
                0 => "src/lib.rs".to_owned(),
                _ => format!("src/{above}/mod.rs"),
            };
            let declares = format!("pub mod {part};\n");
            let text = texts.entry(above).or_default();
            if !text.contains(&declares) {
                text.push_str(&declares);
            }
        }
        texts.entry((*path).to_owned()).or_default().push_str(text);
    }
    Graph::of(Path::new("src/lib.rs"), &|path| {
        texts.get(path.to_str().unwrap()).cloned()
    })
}

#[rstest]
#[case::plainly("use crate::daemon::Store;")]
#[case::after_a_test_item("#[cfg(test)]\nmod tests {}\nuse crate::daemon::Store;")]
#[case::by_climbing("use super::super::daemon::Store;")]
#[case::beside_its_own_name("use crate::{tui::state, daemon::Store};")]
#[case::in_a_body("fn f() { let _ = crate::daemon::Store::open(); }")]
#[case::in_a_use_in_a_body("fn f() { use crate::daemon::Store; }")]
#[case::in_a_type("struct S { store: Vec<crate::daemon::Store> }")]
#[case::in_a_macro("fn f() { println!(\"{}\", crate::daemon::NAME); }")]
#[case::in_an_attribute(
    "#[derive(Serialize)] struct S { #[serde(with = \"crate::daemon::text\")] s: u8 }"
)]
#[case::by_a_name_of_the_crate("use crate as all; fn f() { all::daemon::open(); }")]
#[case::unless_not_testing("#[cfg(not(test))] use crate::daemon::Store;")]
#[case::by_all_of_it("use crate::daemon::*;")]
fn a_use_is_seen(#[case] text: &str) {
    let graph = made(&[
        (
            "src/daemon/mod.rs",
            "pub struct Store; pub const NAME: &str = \"\";",
        ),
        ("src/tui/state.rs", ""),
        ("src/tui/view.rs", text),
    ]);
    let broken = rules::layers(&graph);
    let said = broken
        .iter()
        .any(|broken| broken.starts_with("tui::view uses daemon"));
    assert!(said, "{broken:?}");
    assert!(
        rules::ways(&graph)
            .iter()
            .any(|way| way.contains("tui::view -> daemon"))
    );
}

#[rstest]
#[case::a_test_module("#[cfg(test)]\nmod tests { use crate::daemon::Store; }")]
#[case::a_test("#[test]\nfn f() { crate::daemon::open(); }")]
#[case::a_test_of_one_system("#[cfg(all(test, unix))]\nuse crate::daemon::Store;")]
#[case::a_comment("//! [`crate::daemon`]\n/// [`crate::daemon::Store`]\nfn f() {}")]
fn what_only_tests_and_readers_see_is_not(#[case] text: &str) {
    let graph = made(&[
        ("src/daemon/mod.rs", "pub struct Store;"),
        ("src/tui/view.rs", text),
    ]);
    assert_eq!(graph.uses(), []);
}

#[test]
fn a_use_by_way_of_a_module_that_hands_it_on_is_seen() {
    let graph = made(&[
        ("src/daemon/mod.rs", "pub use self::store::Store;"),
        ("src/daemon/store.rs", "pub struct Store;"),
        ("src/doctor/mod.rs", "pub use crate::daemon::Store;"),
        ("src/tui/view.rs", "use crate::doctor::Store as Shop;"),
    ]);
    let uses = graph.uses();
    let used = ("tui::view".to_owned(), "daemon::store".to_owned());
    assert!(uses.contains(&used), "{uses:?}");
}

#[test]
fn a_way_over_several_modules_is_found() {
    for (from, to) in WAYS {
        let graph = made(&[
            (&format!("src/{from}/a.rs"), "use super::b::B;"),
            (
                &format!("src/{from}/b.rs"),
                "use crate::between::T; pub struct B;",
            ),
            (
                "src/between.rs",
                &format!("pub struct T; use crate::{to}::deep::D;"),
            ),
            (&format!("src/{to}/deep.rs"), "pub struct D;"),
        ]);
        let broken = rules::ways(&graph);
        let way = format!("{from}::b -> between -> {to}::deep");
        assert!(
            broken.iter().any(|broken| broken.contains(&way)),
            "{way}: {broken:?}"
        );
    }
}

#[test]
fn a_module_without_a_layer_and_a_layer_without_a_module_are_named() {
    let graph = made(&[("src/novelty.rs", "")]);
    let broken = rules::layers(&graph);
    assert!(
        broken
            .iter()
            .any(|broken| broken.starts_with("src/novelty:"))
    );
    assert!(
        broken
            .iter()
            .any(|broken| broken.starts_with("src/domain:"))
    );
}

#[test]
fn each_layer_is_kept_to() {
    for (module, may) in LAYERS {
        let text: String = LAYERS
            .iter()
            .filter(|(other, _)| *other != module)
            .map(|(other, _)| format!("use crate::{other}::T;\n"))
            .collect();
        let paths: Vec<String> = LAYERS
            .iter()
            .map(|(name, _)| format!("src/{name}/mod.rs"))
            .collect();
        let mut files: Vec<(&str, &str)> = paths
            .iter()
            .map(|path| (path.as_str(), "pub struct T;\n"))
            .collect();
        let own = format!("src/{module}/mod.rs");
        files.push((&own, &text));
        let broken = rules::layers(&made(&files));
        assert_eq!(
            broken.len(),
            LAYERS.len() - 1 - may.len(),
            "{module}: {broken:?}"
        );
    }
}

#[test]
fn each_door_is_the_only_one() {
    for (within, doors, out) in DOORS {
        let door = doors[0].replace("::", "/");
        let graph = made(&[
            (&format!("src/{out}/mod.rs"), "pub struct T;"),
            (
                &format!("src/{door}/mod.rs"),
                &format!("use crate::{out}::T;"),
            ),
            (
                &format!("src/{within}/other.rs"),
                &format!("use crate::{out}::T;"),
            ),
        ]);
        let broken = rules::doors(&graph);
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert!(broken[0].starts_with(&format!("{within}::other uses {out}")));
    }
}

#[test]
fn a_circle_of_files_or_folders_is_found_and_its_exception_falls_with_it() {
    let circle = made(&[
        (
            "src/daemon/callers/recall.rs",
            "use crate::daemon::store::Store;",
        ),
        ("src/daemon/callers/alarm.rs", "pub struct Alarm;"),
        (
            "src/daemon/store/mod.rs",
            "pub use sessions::Store; use super::callers::alarm::Alarm;\n",
        ),
        ("src/daemon/store/sessions.rs", "pub struct Store;"),
        ("src/daemon/store/writer.rs", ""),
    ]);
    let broken = rules::cycles(&circle, &[]);
    assert_eq!(broken.len(), 1, "{broken:?}");
    assert!(
        broken[0].starts_with("a cycle in \"daemon\" of callers, store:"),
        "{broken:?}"
    );
    let known = ("daemon", "callers, store");
    assert_eq!(rules::cycles(&circle, &[known]), [""; 0]);
    let stale = rules::cycles(&circle, &[known, ("tui", "state, view")]);
    assert_eq!(
        stale,
        ["no cycle in tui of state, view: take it out of CYCLES"]
    );
    // Another member makes another cycle of it.
    let grown = rules::cycles(&circle, &[("daemon", "store")]);
    assert_eq!(grown.len(), 2, "{grown:?}");
}

#[test]
fn each_word_is_found_after_a_test_item_too_and_not_in_one() {
    for rule in WORDS {
        for (word, below) in rule
            .words
            .iter()
            .flat_map(|word| rule.below.iter().map(move |below| (word, below)))
        {
            let says = match *word {
                "unsafe {" => "fn f() { unsafe {} }".to_owned(),
                "unsafe fn" => "unsafe fn f() {}".to_owned(),
                "unsafe_code" => "#[allow(unsafe_code)] fn f() {}".to_owned(),
                "async fn" => "async fn f() {}".to_owned(),
                "async move" => "fn f() { async move {}; }".to_owned(),
                "print!(" | "println!" => "fn f() { println!(); print!(\"\"); }".to_owned(),
                ".await;" | ".await?" | ".await)" => {
                    "fn f() { g().await; h((g().await)); g().await?; }".to_owned()
                }
                word => format!("fn f() {{ {word}; }}"),
            };
            let path = format!("{below}made/up.rs");
            let about = |text: &str| {
                let broken = rules::words(&made(&[(&path, text)]));
                broken
                    .iter()
                    .any(|broken| broken.starts_with(&format!("{path}: `{word}`")))
            };
            assert!(
                about(&format!("#[cfg(test)]\nmod tests {{}}\n{says}")),
                "{word} below {below}"
            );
            assert!(
                !about(&format!("#[cfg(test)]\nmod tests {{ {says} }}")),
                "{word} below {below}"
            );
        }
    }
    let broken = rules::words(&made(&[("src/other.rs", "")]));
    assert!(
        broken
            .iter()
            .all(|broken| broken.starts_with("nothing is below"))
    );
}
