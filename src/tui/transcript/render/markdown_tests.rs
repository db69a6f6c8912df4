//! Tests of Markdown's looks.

use proptest::prelude::*;

use super::*;
use crate::domain::text::is_deceptive;

const EVERYTHING: &str = "\
# A title with *emphasis*

A paragraph with **bold**, *italic*, ~~gone~~ and `code`, long enough that it is wrapped at some width \
between words.
A soft break, then a hard one:\\
here.

## Lists

- one
- two, which is long enough that it must be wrapped in a narrow pane
  - nested
    1. numbered
    2. again
- [x] done
- [ ] to do

1. loose

   with a second paragraph

2. items

> A quote
>
> - with a list
>
> > and a quote within

```rust
fn main() {
\tprintln!(\"hi\");
}
```

    indented code

| Name | Count | Note |
|:-----|------:|:----:|
| a | 1 | short |
| 漢字 | 1000 | a note that is rather long for a cell of a table |

A [link](https://example.com/where), <https://example.com/bare> and ![a picture](pic.png).

---

<div>html</div>

The end.
";

fn plain(text: &str, width: usize) -> String {
    let lines = render(text, width, &Theme::dark());
    let shown: Vec<String> = lines
        .iter()
        .map(|line| line.to_string().trim_end().to_owned())
        .collect();
    shown.join("\n")
}

#[test]
fn everything_has_its_look() {
    for width in [40, 80] {
        insta::assert_snapshot!(format!("everything_at_{width}"), plain(EVERYTHING, width));
    }
}

#[test]
fn emphasis_is_kept_without_colours() {
    let lines = render("**b** *i* `c` [l](u)", 40, &Theme::mono());
    let shown: Vec<(String, Modifier)> = lines[0]
        .spans
        .iter()
        .filter(|span| !span.style.add_modifier.is_empty())
        .map(|span| (span.content.to_string(), span.style.add_modifier))
        .collect();
    let expected = [
        ("b", Modifier::BOLD),
        ("i", Modifier::ITALIC),
        ("c", Modifier::UNDERLINED),
        ("l", Modifier::UNDERLINED),
        (" (u)", Modifier::DIM),
    ];
    assert_eq!(shown, expected.map(|(text, look)| (text.to_owned(), look)));
}

#[test]
fn tables_too_wide_become_records() {
    let table = "| a | b | c | d |\n|---|---|---|---|\n| one word | two words | three | four |\n| x | y | z | w |";
    insta::assert_snapshot!(plain(table, 24), @r#"
    a: one word
    b: two words
    c: three
    d: four
    ────────
    a: x
    b: y
    c: z
    d: w
"#);
}

#[test]
fn links_show_where_they_lead() {
    assert_eq!(
        plain("[bank.com](http://evil)", 40),
        "bank.com (http://evil)"
    );
    assert_eq!(plain("<http://same.org>", 40), "http://same.org");
}

proptest! {
    #[test]
    fn nothing_panics_and_nothing_deceptive_is_drawn(
        text in "([#>*`|\\[\\]()!~\\- \n\t0-9a-c\u{202e}\u{1b}漢_<]|- |\n\n|```|\\|-\\|){0,60}", width in 0usize..30,
    ) {
        for line in render(&text, width, &Theme::dark()) {
            prop_assert!(!line.to_string().contains(is_deceptive));
        }
    }
}
