//! Reading a tool call's input, and the files that it is about.

use serde_json::Value;

/// Where a card gets the file from that an edit is about.
pub trait FileSource {
    /// The file's text; none if it is not there or is no text.
    fn read(&self, path: &str) -> Option<String>;
}

/// No files at all: an edit is shown by what it says itself.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl FileSource for NoFiles {
    fn read(&self, _path: &str) -> Option<String> {
        None
    }
}

/// A field that is a text with something in it.
pub(crate) fn field<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// A field's text; empty where there is none.
pub(crate) fn text<'a>(input: &'a Value, name: &str) -> &'a str {
    input.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A field that is a list; empty where there is none.
pub(crate) fn list<'a>(input: &'a Value, name: &str) -> &'a [Value] {
    input
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
