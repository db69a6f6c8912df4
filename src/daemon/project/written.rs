//! Files that a shell command only writes to, and so does not run.
//!
//! A hook that keeps a log names a file which changes with each call: its content is nothing that anybody needs to
//! agree to. Only what is plainly a file's name is left out; whatever could be more is kept, as it may be run.

/// Programs that never read what is in the files that they name.
const WRITERS: [&str; 3] = ["tee", "touch", "mkdir"];

/// A command without the names of files that it only writes to: behind `>`, and those of [`WRITERS`].
pub fn without_written(command: &str) -> String {
    let ends = ['|', ';', '&', '\n', '(', ')', '{', '}', '`'];
    let mut kept = String::with_capacity(command.len());
    for part in command.split_inclusive(ends) {
        let text = part.strip_suffix(ends).unwrap_or(part);
        let mut words = text.split_whitespace();
        match words.next().filter(|word| WRITERS.contains(word)) {
            Some(writer) => {
                kept.push_str(writer);
                // Its options and whatever is no plain name stay.
                for word in words.filter(|word| !is_plain(word) || word.starts_with('-')) {
                    kept.push(' ');
                    kept.push_str(word);
                }
            }
            None => kept.push_str(text),
        }
        kept.push_str(part.strip_prefix(text).unwrap_or_default());
    }
    without_redirections(&kept)
}

fn without_redirections(command: &str) -> String {
    let mut kept = String::with_capacity(command.len());
    let mut rest = command;
    while let Some(at) = rest.find('>') {
        let (before, found) = rest.split_at(at);
        kept.push_str(before);
        let sign = found.len() - found.trim_start_matches(['>', '|', '&']).len();
        let (sign, behind) = found.split_at(sign);
        kept.push_str(sign);
        rest = behind;
        // `<>` opens a file for reading, too; `=>` and `->` are another language's.
        if before.ends_with(['<', '=', '-']) {
            continue;
        }
        let target = behind.trim_start_matches([' ', '\t']);
        let end = target.find(|c: char| c.is_whitespace() || ";|&()<>".contains(c));
        let (name, after) = target.split_at(end.unwrap_or(target.len()));
        if is_plain(name) && !after.starts_with('(') {
            kept.push(' ');
            rest = after;
        }
    }
    kept.push_str(rest);
    kept
}

/// Whether a word is the name of a file and nothing else: it may be quoted as a whole.
fn is_plain(word: &str) -> bool {
    let quoted = |quote: char| {
        let inner = word.strip_prefix(quote)?;
        // A command in quotes ends with them.
        Some(inner.strip_suffix(quote).unwrap_or(inner))
    };
    let name = quoted('"').or_else(|| quoted('\'')).unwrap_or(word);
    let name = name.trim_end_matches(['"', '\'']);
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "._/~${}-+%@:".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_written_to_are_left_out_and_whatever_may_be_run_stays() {
        let gone = [
            ("date >> .claude/audit.log", ".claude/audit.log"),
            ("echo hook >>hook.log", "hook.log"),
            ("echo hook 2> \"errors.log\"", "errors.log"),
            ("sh -c 'date > hook.log'", "hook.log"),
            ("date | tee -a hook.log", "hook.log"),
            ("date >| ./hook.log; true", "hook.log"),
            ("touch ./last; cat", "last"),
            ("date &> $HOME/hook.log", "hook.log"),
        ];
        for (command, name) in gone {
            let kept = without_written(command);
            assert!(!kept.contains(name), "{command}: {kept}");
        }
        let stays = [
            ("./run.sh > hook.log", "./run.sh"),
            ("echo x > run.sh; sh run.sh", "sh run.sh"),
            ("cat > >(sh run.sh)", "run.sh"),
            ("tee >(sh run.sh)", "run.sh"),
            ("bash <> run.sh", "run.sh"),
            ("echo > `./run.sh`", "./run.sh"),
            ("echo > \"$(./run.sh)\"", "./run.sh"),
            ("node -e \"f = () => require('./run.js')\"", "./run.js"),
            ("node -e \"1>require('./run.js')\"", "./run.js"),
            ("perl -e \"1>do'./run.pl'\"", "./run.pl"),
            ("sh run.sh 2>&1", "run.sh"),
            ("xargs tee run.sh", "run.sh"),
        ];
        for (command, name) in stays {
            let kept = without_written(command);
            assert!(kept.contains(name), "{command}: {kept}");
        }
    }
}
