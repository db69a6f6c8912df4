//! JSON, read as far as it can be read.
//!
//! A strict parser gives nothing for a line of which one field is odd: half a character, a number too
//! large, brackets nested deeper than it dares to follow. What an agent writes must not be lost for
//! that, so this finds the members of an object by their places in the text, without recursion, and
//! reads each by itself. It knows nothing of what the members mean. Used wherever the JSON of others
//! comes in: the agent's lines, the daemon's socket, the MCP servers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of an object, by their names, each with the text of its value.
#[derive(Debug, Default)]
pub struct Members<'a> {
    members: Vec<(Cow<'a, str>, &'a str)>,
    complete: bool,
}

impl<'a> Members<'a> {
    /// The members of the object that a text holds, up to where it stops being one.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let mut found = Self::default();
        found.complete = found.collect(text).is_some();
        found
    }

    /// Whether the text was an object from its beginning to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The text of a member's value. Of members with the same name the last counts.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut last_first = self.members.iter().rev();
        last_first
            .find(|(member, _)| member == name)
            .map(|&(_, value)| value)
            .filter(|value| *value != "null")
    }

    /// A member's value in words: a string, or the text of another value. None for `null`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(text)
    }

    /// A member's value if it is a string.
    #[must_use]
    pub fn string(&self, name: &str) -> Option<String> {
        self.get(name).and_then(string)
    }

    /// A number, however it is written.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(number)
    }

    /// A whole number, however it is written; what is too large becomes the largest.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(count)
    }

    /// Whether a member says yes.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| {
            value == "true" || string(value).is_some_and(|text| text == "true")
        })
    }

    /// The members of a member that is an object.
    #[must_use]
    pub fn object(&self, name: &str) -> Members<'a> {
        self.get(name).map(Members::of).unwrap_or_default()
    }

    /// The text of the only member with this name, if there is one and it is surely whole: of a text that
    /// stops being an object, the last value may go on.
    #[must_use]
    pub fn only(&self, name: &str) -> Option<&'a str> {
        let whole = self.members.len() - usize::from(!self.complete && !self.members.is_empty());
        let mut named = self.members[..whole].iter().filter(|(it, _)| it == name);
        match (named.next(), named.next()) {
            (Some(&(_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// All members, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.members
            .iter()
            .map(|(name, value)| (name.as_ref(), *value))
    }

    fn collect(&mut self, text: &'a str) -> Option<()> {
        let bytes = text.as_bytes();
        let mut at = skip_space(bytes, 0);
        if bytes.get(at) != Some(&b'{') {
            return None;
        }
        at = skip_space(bytes, at + 1);
        if bytes.get(at) != Some(&b'}') {
            loop {
                let end = string_end(bytes, at)?;
                let name = text.get(at + 1..end - 1)?;
                at = skip_space(bytes, end);
                if bytes.get(at) != Some(&b':') {
                    return None;
                }
                at = skip_space(bytes, at + 1);
                let end = value_end(bytes, at);
                // What is cut off in a value is still some of that value.
                let value = text.get(at..end.unwrap_or(bytes.len()))?;
                let name = if name.contains('\\') {
                    Cow::Owned(unescape(name))
                } else {
                    Cow::Borrowed(name)
                };
                self.members.push((name, value));
                at = skip_space(bytes, end?);
                match bytes.get(at) {
                    Some(b',') => at = skip_space(bytes, at + 1),
                    Some(b'}') => break,
                    _ => return None,
                }
            }
        }
        (skip_space(bytes, at + 1) == bytes.len()).then_some(())
    }
}

/// The texts of an array's elements; none for what is no array from beginning to end.
#[must_use]
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let bytes = text.as_bytes();
    let mut at = skip_space(bytes, 0);
    if bytes.get(at) != Some(&b'[') {
        return None;
    }
    at = skip_space(bytes, at + 1);
    let mut found = Vec::new();
    if bytes.get(at) != Some(&b']') {
        loop {
            let end = value_end(bytes, at)?;
            found.push(text.get(at..end)?);
            at = skip_space(bytes, end);
            match bytes.get(at) {
                Some(b',') => at = skip_space(bytes, at + 1),
                Some(b']') => break,
                _ => return None,
            }
        }
    }
    (skip_space(bytes, at + 1) == bytes.len()).then_some(found)
}

/// A value in words: what a string says, or the text of another value.
#[must_use]
pub fn text(value: &str) -> String {
    string(value).unwrap_or_else(|| value.to_owned())
}

/// What a string says; half a character in it becomes a replacement character.
#[must_use]
pub fn string(value: &str) -> Option<String> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if value.len() < 2 {
        return None;
    }
    serde_json::from_str(value)
        .ok()
        .or_else(|| Some(unescape(inner)))
}

fn number(value: &str) -> Option<f64> {
    let number = match string(value) {
        Some(inside) => inside.trim().parse::<f64>().ok()?,
        None => value.parse::<f64>().ok()?,
    };
    number.is_finite().then_some(number)
}

fn count(value: &str) -> Option<i64> {
    match value.parse::<i64>() {
        Ok(count) => Some(count),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float is cut off, and one that is too large becomes the largest number"
        )]
        Err(_) => number(value).map(|number| number as i64),
    }
}

/// Levels of arrays and objects in a value that counts as readable. A parser takes 128; what is read
/// here is passed on within a few levels more.
pub const MAX_DEPTH: usize = 100;

/// A value, if it is one that every reader of JSON takes.
#[must_use]
pub fn value(text: &str) -> Option<Value> {
    if !is_readable(text) {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// The same JSON as every reader takes it. What none would take is written otherwise: half a character
/// as a replacement character, a number that is too large and what is nested too deeply as a string of
/// its text, and of members with the same name the last alone. `None` for what is no JSON.
#[must_use]
pub fn normalized(text: &str) -> Option<String> {
    is_json(text).then(|| normal(text.trim(), 0))
}

/// [`normalized`] of a value at some depth of it.
fn normal(text: &str, depth: usize) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    match text.as_bytes().first() {
        Some(b'"') => quoted(&self::text(text)),
        Some(b'{' | b'[') if depth >= MAX_DEPTH => quoted(text),
        Some(b'{') => object(&Members::of(text), |_, value| normal(value, depth + 1)),
        Some(b'[') => {
            let values = elements(text).unwrap_or_default();
            let values: Vec<String> = values.iter().map(|it| normal(it, depth + 1)).collect();
            format!("[{}]", values.join(","))
        }
        _ if is_readable(text) => text.to_owned(),
        _ => quoted(text),
    }
}

/// The text of an object with the same members, each once, and for each value what a function makes of
/// its name and text.
#[must_use]
pub fn object(members: &Members<'_>, value: impl Fn(&str, &str) -> String) -> String {
    let mut last = BTreeMap::new();
    for (place, (name, _)) in members.iter().enumerate() {
        last.insert(name, place);
    }
    let kept = members
        .iter()
        .enumerate()
        .filter(|(place, (name, _))| last.get(name) == Some(place))
        .map(|(_, (name, text))| format!("{}:{}", Value::from(name), value(name, text)));
    format!("{{{}}}", kept.collect::<Vec<_>>().join(","))
}

/// Whether a text is JSON, however deep, and whatever its strings and numbers hold: what another
/// program wrote and will read back.
#[must_use]
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// Whether [`value`] would give something, without making it.
#[must_use]
pub fn is_readable(text: &str) -> bool {
    let mut reader = serde_json::Deserializer::from_str(text);
    Readable { depth: 0 }.deserialize(&mut reader).is_ok() && reader.end().is_ok()
}

/// A value at some depth.
#[derive(Clone, Copy)]
struct Readable {
    depth: usize,
}

impl Readable {
    fn inside<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > MAX_DEPTH {
            return Err(E::custom("nested too deeply"));
        }
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Readable {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("anything")
    }
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while from.next_element_seed(inside)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while from.next_entry_seed(inside, inside)?.is_some() {}
        Ok(())
    }
}

/// A whole number for serde, however it is written; 0 for what is none.
///
/// # Errors
/// When the text is not JSON.
pub fn lenient_count<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    struct Count;
    impl<'de> Visitor<'de> for Count {
        type Value = i64;

        fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
            to.write_str("a number")
        }
        fn visit_bool<E: de::Error>(self, _: bool) -> Result<i64, E> {
            Ok(0)
        }
        fn visit_i64<E: de::Error>(self, count: i64) -> Result<i64, E> {
            Ok(count)
        }
        fn visit_u64<E: de::Error>(self, count: u64) -> Result<i64, E> {
            Ok(i64::try_from(count).unwrap_or(i64::MAX))
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float is cut off, and one that is too large becomes the largest number"
        )]
        fn visit_f64<E: de::Error>(self, count: f64) -> Result<i64, E> {
            Ok(count as i64)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
            Ok(count(text.trim()).unwrap_or(0))
        }
        fn visit_unit<E: de::Error>(self) -> Result<i64, E> {
            Ok(0)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<i64, A::Error> {
            while from.next_element::<de::IgnoredAny>()?.is_some() {}
            Ok(0)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<i64, A::Error> {
            while from
                .next_entry::<de::IgnoredAny, de::IgnoredAny>()?
                .is_some()
            {}
            Ok(0)
        }
    }
    from.deserialize_any(Count)
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// Where the string that begins at `at` ends, behind its closing quote.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Where the value that begins at `at` ends. Brackets are counted, not followed.
fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b'{' | b'[' => {
            let mut depth = 0_usize;
            let mut at = at;
            loop {
                match bytes.get(at)? {
                    b'"' => {
                        at = string_end(bytes, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let length = bytes[at..].iter().position(|byte| {
                matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r')
            })?;
            (length > 0).then_some(at + length)
        }
    }
}

/// What the inside of a string says, with a replacement character for what says nothing.
fn unescape(inside: &str) -> String {
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    // The first half of a character, and how far back it began.
    let mut half: Option<u16> = None;
    while let Some(at) = rest.find('\\') {
        if at > 0 && half.take().is_some() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(escape) = rest.chars().next() else {
            break;
        };
        rest = &rest[escape.len_utf8()..];
        let unit = (escape == 'u')
            .then(|| rest.get(..4))
            .flatten()
            .and_then(|hex| u16::from_str_radix(hex, 16).ok());
        if let Some(unit) = unit {
            rest = &rest[4..];
            match (half.take(), unit) {
                (Some(first), 0xdc00..=0xdfff) => {
                    let whole = char::decode_utf16([first, unit]).next();
                    text.push(
                        whole
                            .and_then(Result::ok)
                            .unwrap_or(char::REPLACEMENT_CHARACTER),
                    );
                    continue;
                }
                (Some(_), _) => text.push(char::REPLACEMENT_CHARACTER),
                (None, _) => {}
            }
            match unit {
                0xd800..=0xdbff => half = Some(unit),
                _ => text.push(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER)),
            }
            continue;
        }
        if half.take().is_some() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        text.push(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            _ => char::REPLACEMENT_CHARACTER,
        });
    }
    if half.is_some() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn members_are_found_as_far_as_the_text_is_an_object() {
        let get = |text: &str, name: &str| Members::of(text).get(name).map(str::to_owned);
        assert_eq!(
            get(r#" { "a" : [1, {"b": "}]"}] , "c":"x" } "#, "a").unwrap(),
            r#"[1, {"b": "}]"}]"#
        );
        assert_eq!(get(r#"{"a":1,"a":2}"#, "a").unwrap(), "2");
        assert_eq!(get(r#"{"a":null}"#, "a"), None);
        assert_eq!(get(r#"{"\u0061":7}"#, "a").unwrap(), "7");
        assert_eq!(get(r#"{"a":1,"b":{"c":"#, "b").unwrap(), r#"{"c":"#);
        assert_eq!(get(r#"{"a":1 "b":2}"#, "a").unwrap(), "1");
        for (text, complete) in [
            (r#"{}"#, true),
            (r#"{"a":"\ud83d","b":1e999}"#, true),
            (r#"{"a":1"#, false),
            (r#"{"a":1} x"#, false),
            ("[]", false),
            ("", false),
        ] {
            assert_eq!(Members::of(text).is_complete(), complete, "{text}");
        }
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(Members::of(&deep).is_complete());
    }

    #[test]
    fn what_is_read_can_be_passed_on_within_more() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        for (depth, readable) in [
            (1, true),
            (MAX_DEPTH, true),
            (MAX_DEPTH + 1, false),
            (400, false),
        ] {
            assert_eq!(is_readable(&nested(depth)), readable, "{depth}");
            assert_eq!(value(&nested(depth)).is_some(), readable, "{depth}");
        }
    }

    #[test]
    fn what_no_reader_takes_is_written_otherwise() {
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        let deeper = format!("{}\"[]\"{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        for (text, written) in [
            (
                r#"{"a": [1.0, "\ud83d", 1e400], "a\u0062": null }"#,
                "{\"a\":[1.0,\"\u{fffd}\",\"1e400\"],\"ab\":null}",
            ),
            (
                r#"{"a":1,"b":{"c":1,"c":2},"a":3}"#,
                r#"{"b":{"c":2},"a":3}"#,
            ),
            (" true ", "true"),
            (&deep, &deeper),
        ] {
            assert_eq!(normalized(text).unwrap(), written, "{text}");
        }
        for text in ["", "{", "{a}", "1 2"] {
            assert_eq!(normalized(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for (written, read) in [
            ("7", Some(7)),
            ("7.9", Some(7)),
            (r#""12""#, Some(12)),
            ("1e30", Some(i64::MAX)),
            ("1e999", None),
            ("true", None),
            ("{}", None),
        ] {
            let line = format!(r#"{{"n":{written}}}"#);
            assert_eq!(Members::of(&line).count("n"), read, "{written}");
        }
    }

    #[test]
    fn strings_are_read_with_half_characters_in_them() {
        for (written, read) in [
            (r#""cut \ud83d""#, "cut \u{fffd}"),
            (r#""\ud83d\ude00 \ude00 \ud83dx""#, "😀 \u{fffd} \u{fffd}x"),
            (r#""\ud83d\n\q""#, "\u{fffd}\n\u{fffd}"),
            (r#""\u12""#, "\u{fffd}12"),
        ] {
            assert_eq!(string(written).unwrap(), read, "{written}");
        }
        assert_eq!(string("7"), None);
        assert_eq!(string("\""), None);
    }

    proptest! {
        #[test]
        fn every_value_is_found_and_read_as_the_strict_parser_does(value in value_strategy()) {
            let line = serde_json::json!({"before": "}", "value": value, "after": 1}).to_string();
            let members = Members::of(&line);
            prop_assert!(members.is_complete());
            let found = members.get("value").unwrap_or("null");
            prop_assert_eq!(serde_json::from_str::<Value>(found).unwrap(), value.clone());
            prop_assert!(is_readable(found));
            let normal = normalized(found).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&normal).unwrap(), value.clone());
            if let Value::String(words) = &value {
                prop_assert_eq!(&string(found).unwrap(), words);
                prop_assert_eq!(&unescape(&found[1..found.len() - 1]), words);
            }
            if let Value::Array(values) = &value {
                prop_assert_eq!(elements(found).unwrap().len(), values.len());
            }
        }

        #[test]
        fn no_text_panics(text in "[\\[\\]{}\",:\\\\u0-9a-d é]{0,60}") {
            drop(format!("{:?}{:?}{:?}", Members::of(&text), elements(&text), string(&text)));
            prop_assert_eq!(is_readable(&text), value(&text).is_some());
            if let Some(normal) = normalized(&text) {
                prop_assert!(is_readable(&normal), "{}", normal);
            }
        }
    }

    fn value_strategy() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(".*", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
