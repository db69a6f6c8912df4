//! `Edit` and `MultiEdit`: as a difference against the real file.
//!
//! Owns what an edit's input means for the file's text. Where the file is not there, or not as the
//! edit thinks, that is said, and the edit is shown by itself.

use serde_json::Value;

use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::diff;
use crate::tui::transcript::tools::files::{changed_lines, path_line};
use crate::tui::transcript::tools::input::{FileSource, field, list, text};

/// One replacement.
struct Edit<'a> {
    old: &'a str,
    new: &'a str,
    everywhere: bool,
}

impl<'a> Edit<'a> {
    fn of(input: &'a Value) -> Self {
        Self {
            old: text(input, "old_string"),
            new: text(input, "new_string"),
            everywhere: input
                .get("replace_all")
                .and_then(Value::as_bool)
                .unwrap_or(false),
        }
    }

    /// The text after the replacement; none if what is to be replaced is not there.
    fn apply(&self, file: &str) -> Option<String> {
        if self.old.is_empty() {
            return file.is_empty().then(|| self.new.to_owned());
        }
        file.contains(self.old).then(|| {
            if self.everywhere {
                file.replace(self.old, self.new)
            } else {
                file.replacen(self.old, self.new, 1)
            }
        })
    }
}

pub(crate) fn card(canvas: &mut Canvas<'_>, input: &Value, files: &dyn FileSource) {
    let path = path_line(canvas, input, "file_path");
    let edits: Vec<Edit<'_>> = match input.get("edits") {
        Some(Value::Array(edits)) => edits.iter().map(Edit::of).collect(),
        Some(_) | None => vec![Edit::of(input)],
    };
    let file = files.read(path);
    if let Some(file) = &file {
        let changed = edits
            .iter()
            .try_fold(file.clone(), |text, edit| edit.apply(&text));
        if let Some(changed) = changed {
            if let [edit] = &edits[..]
                && !edit.everywhere
                && !edit.old.is_empty()
            {
                let times = file.matches(edit.old).count();
                if times > 1 {
                    let said = format!("the old text is there {times} times; the first is shown");
                    canvas.note(&said, canvas.theme.waiting);
                }
            }
            diff::write(canvas, file, &changed, path, true);
            return;
        }
        let said = "old_string not found in the file: the edit would fail";
        canvas.note(said, canvas.theme.waiting);
    }
    let many = edits.len();
    for (at, edit) in edits.iter().enumerate() {
        if many > 1 {
            let said = format!("edit {} of {many}", at + 1);
            canvas.note(&said, canvas.theme.dim);
        }
        if edit.everywhere {
            canvas.note("everywhere in the file", canvas.theme.waiting);
        }
        diff::write(canvas, edit.old, edit.new, path, false);
    }
}

/// Of an `Edit`; `path` is the file's path, as much of it as a summary has room for.
pub(crate) fn summary(input: &Value, path: &str) -> String {
    let edit = Edit::of(input);
    let everywhere = if edit.everywhere { " everywhere" } else { "" };
    format!("{path}{}{everywhere}", changed_lines(edit.old, edit.new))
}

/// Of a `MultiEdit`.
pub(crate) fn summary_of_many(input: &Value, path: &str) -> String {
    let (mut old, mut new) = (String::new(), String::new());
    for edit in list(input, "edits") {
        for (all, name) in [(&mut old, "old_string"), (&mut new, "new_string")] {
            all.push_str(field(edit, name).unwrap_or_default());
            all.push('\n');
        }
    }
    format!("{path}{}", changed_lines(&old, &new))
}
