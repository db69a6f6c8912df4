//! Which other files a text names: a hook's command, a server's arguments, the head of an agent.
//!
//! Pure: words that may be paths are found, far too many rather than too few, and whoever has the disk looks which of
//! them are there. What is put together only when it runs (a variable, the output of a program) names nothing here.

use serde_json::Value;

use super::written::without_written;
use crate::domain::project::Role;

/// Most words of a file that are looked at.
const MAX_WORDS: usize = 4_000;

/// The longest word that may be a path.
const MAX_WORD: usize = 1_024;

/// Most directories that commands change to.
const MAX_DIRECTORIES: usize = 8;

/// What stands for the project's directory in commands.
const PROJECT: [&str; 9] = [
    "$(git rev-parse --show-toplevel)",
    "`git rev-parse --show-toplevel`",
    "${CLAUDE_PROJECT_DIR}",
    "$CLAUDE_PROJECT_DIR",
    "${CLAUDE_PROJECT_DIR:-.}",
    "$(pwd)",
    "`pwd`",
    "${PWD}",
    "$PWD",
];

/// Words behind which a command goes to another directory.
const CHANGES: [&str; 9] = [
    "cd",
    "pushd",
    "-C",
    "--cwd",
    "--chdir",
    "--directory",
    "--prefix",
    "--project",
    "--working-dir",
];

/// What a file's text names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Words that may be paths, sorted.
    pub words: Vec<String>,
    /// Directories to which commands change first.
    pub directories: Vec<String>,
    /// Whether there are more words than are looked at.
    pub is_cut: bool,
    /// Whether the words are those of commands: what they name is run or read, and not only mentioned.
    pub is_of_commands: bool,
}

impl Names {
    /// What a file names: of settings without the permissions, which name what may be done and not what is run.
    pub fn of(role: Role, text: &str) -> Self {
        let mut names = Self::default();
        match (
            role,
            serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')),
        ) {
            (Role::Settings | Role::McpServers, Ok(mut value)) => {
                names.is_of_commands = true;
                if let Some(fields) = value.as_object_mut() {
                    fields.remove("permissions");
                }
                names.strings(&value);
            }
            _ => names.text(text),
        }
        names.words.sort();
        names.words.dedup();
        names
    }

    fn strings(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                // A server's program is started without a shell, which would end a name at a blank.
                self.word(text);
                self.text(&without_written(text));
            }
            Value::Array(values) => {
                // The directory may be an argument of its own.
                let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
                self.changes(&texts);
                values.iter().for_each(|value| self.strings(value));
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    if let ("cwd", Value::String(directory)) = (name.as_str(), value) {
                        self.directory(directory);
                    }
                    self.strings(value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        let mut text = text.to_owned();
        for variable in PROJECT {
            text = text.replace(variable, ".");
        }
        let between = |c: char| c.is_whitespace() || "`;|&()<>=,:{}$".contains(c);
        let quotes = ['"', '\'', '\\'];
        // A quote ends a word in one program's text and is within one in another's: `"."/a.sh`, `'my hook.sh'`.
        let unquoted = text.replace(quotes, "");
        let whole = shell_words::split(&text).unwrap_or_default();
        for words in [
            text.split(|c| between(c) || quotes.contains(&c))
                .collect::<Vec<_>>(),
            unquoted.split(between).collect(),
            whole.iter().map(String::as_str).collect(),
        ] {
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            self.changes(&words);
            for (at, word) in words.iter().enumerate() {
                let before = at.checked_sub(1).and_then(|at| words.get(at));
                self.word(word);
                if before == Some(&"run-parts") {
                    self.word(&format!("{word}/*"));
                }
                if before == Some(&"-m") && !word.contains('/') {
                    self.word(&format!("{}.py", word.replace('.', "/")));
                    self.word(&word.replace('.', "/"));
                }
            }
        }
    }

    /// Notes the directories that a command changes to.
    fn changes(&mut self, words: &[&str]) {
        for pair in words.windows(2) {
            if let [option, directory] = pair
                && CHANGES.contains(option)
            {
                self.directory(directory);
            }
        }
        let long = words.iter().filter_map(|word| word.split_once('='));
        for (_, directory) in long.filter(|(option, _)| CHANGES.contains(option)) {
            self.directory(directory);
        }
    }

    fn directory(&mut self, directory: &str) {
        let directory = PROJECT.iter().fold(directory.to_owned(), |text, variable| {
            text.replace(variable, ".")
        });
        if directory.len() > MAX_WORD || self.directories.contains(&directory) {
            return;
        }
        if self.directories.len() >= MAX_DIRECTORIES {
            self.is_cut = true;
            return;
        }
        self.directories.push(directory);
    }

    fn word(&mut self, word: &str) {
        if word.len() > MAX_WORD {
            return;
        }
        if self.words.len() >= MAX_WORDS {
            self.words.sort();
            self.words.dedup();
        }
        if self.words.len() >= MAX_WORDS {
            self.is_cut = true;
            return;
        }
        let runner = RUNNERS.iter().find(|(names, _)| names.contains(&word));
        for file in runner.map(|(_, files)| *files).unwrap_or_default() {
            self.words.push((*file).to_owned());
        }
        self.words.push(word.to_owned());
    }
}

/// The directory of a word that stands for several files, by a pattern or by what is put together when it runs.
pub(super) fn directory_of_pattern(word: &str) -> Option<&str> {
    let at = word.find(['*', '?', '[', '{'])?;
    let (directory, _) = word.split_at_checked(at)?.0.rsplit_once('/')?;
    Some(if directory.is_empty() { "/" } else { directory })
}

/// Files that say what a runner of scripts, or a tool with settings of its own, runs.
const RUNNERS: [(&[&str], &[&str]); 25] = [
    (
        &["npm", "npx", "pnpm", "yarn", "bun", "bunx"],
        &["package.json", "bunfig.toml"],
    ),
    (&["make", "gmake"], &["Makefile", "makefile", "GNUmakefile"]),
    (&["just"], &["justfile", "Justfile", ".justfile"]),
    (&["task"], &["Taskfile.yml", "Taskfile.yaml"]),
    (
        &["uv", "uvx", "poetry", "hatch", "pdm"],
        &["pyproject.toml"],
    ),
    (&["deno"], &["deno.json", "deno.jsonc"]),
    (
        &["pytest", "py.test"],
        &["conftest.py", "pytest.ini", "pyproject.toml"],
    ),
    (&["tox"], &["tox.ini"]),
    (&["nox"], &["noxfile.py"]),
    (&["invoke", "inv"], &["tasks.py"]),
    (&["rake"], &["Rakefile", "rakefile", "Rakefile.rb"]),
    (&["bundle"], &["Gemfile"]),
    (&["composer"], &["composer.json"]),
    (&["cargo"], &["build.rs", ".cargo/config.toml"]),
    (
        &["gradle", "./gradlew"],
        &["build.gradle", "build.gradle.kts"],
    ),
    (&["mvn", "./mvnw"], &["pom.xml"]),
    (&["gulp"], &["gulpfile.js", "gulpfile.mjs"]),
    (&["grunt"], &["Gruntfile.js"]),
    (
        &["eslint"],
        &[
            "eslint.config.js",
            "eslint.config.mjs",
            "eslint.config.cjs",
            ".eslintrc.js",
        ],
    ),
    (
        &["prettier"],
        &[
            "prettier.config.js",
            "prettier.config.mjs",
            ".prettierrc.js",
        ],
    ),
    (&["turbo"], &["turbo.json"]),
    (&["pre-commit"], &[".pre-commit-config.yaml"]),
    (&["lefthook"], &["lefthook.yml"]),
    (
        &["compose", "docker-compose"],
        &["compose.yaml", "compose.yml", "docker-compose.yml"],
    ),
    (&["nix"], &["flake.nix"]),
];

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn names(command: &str) -> Names {
        let hooks = json!({"hooks": {"Stop": [{"hooks": [{"command": command}]}]}});
        Names::of(Role::Settings, &hooks.to_string())
    }

    #[rstest]
    #[case::as_the_manual_writes_it("\"$CLAUDE_PROJECT_DIR\"/hooks/a.sh", "./hooks/a.sh")]
    #[case::with_a_default("sh ${CLAUDE_PROJECT_DIR:-.}/hooks/a.sh", "./hooks/a.sh")]
    #[case::from_the_top("\"$(git rev-parse --show-toplevel)/hooks/a.sh\"", "./hooks/a.sh")]
    #[case::in_the_working_directory("$PWD/a.sh", "./a.sh")]
    #[case::with_a_blank("sh 'my hooks/a.sh'", "my hooks/a.sh")]
    #[case::with_a_blank_that_is_escaped("sh my\\ hooks/a.sh", "my hooks/a.sh")]
    #[case::put_together_from_quotes("sh ho\"ok\"s/'a'.sh", "hooks/a.sh")]
    #[case::as_a_module("python3 -m checks.all --fast", "checks/all.py")]
    #[case::all_of_a_directory("run-parts ./hooks.d", "./hooks.d/*")]
    #[case::as_a_job_of_a_runner("pre-commit run", ".pre-commit-config.yaml")]
    #[case::within_another_command("bash -c 'exec ./a.sh'", "./a.sh")]
    fn a_script_is_found_however_it_is_named(#[case] command: &str, #[case] word: &str) {
        let found = names(command);
        assert!(found.words.iter().any(|found| found == word), "{found:?}");
    }

    #[rstest]
    #[case::in_a_shell("cd sub && ./a.sh", "sub")]
    #[case::in_the_project("cd \"$CLAUDE_PROJECT_DIR/sub\" && ./a.sh", "./sub")]
    #[case::by_an_option("make -C tools check", "tools")]
    #[case::by_a_long_option("npm --prefix=web test", "web")]
    fn a_directory_that_a_command_changes_to_is_found(#[case] command: &str, #[case] sub: &str) {
        let found = names(command).directories;
        assert!(found.iter().any(|found| found == sub), "{found:?}");
    }

    #[test]
    fn the_directory_of_a_server_is_found() {
        let servers =
            json!({"mcpServers": {"db": {"command": "node", "args": ["x.js"], "cwd": "tools"}}});
        let found = Names::of(Role::McpServers, &servers.to_string());
        assert_eq!(found.directories, ["tools"]);
    }

    #[test]
    fn a_pattern_stands_for_its_directory() {
        assert_eq!(directory_of_pattern("./hooks/*.sh"), Some("./hooks"));
        assert_eq!(directory_of_pattern("hooks/{a,b}.sh"), Some("hooks"));
        assert_eq!(directory_of_pattern("hooks/a.sh"), None);
        assert_eq!(directory_of_pattern("*.sh"), None);
    }

    #[test]
    fn more_words_than_are_looked_at_are_said() {
        let many: Vec<String> = (0..=MAX_WORDS).map(|number| format!("w{number}")).collect();
        assert!(names(&many.join(" ")).is_cut);
        assert!(!names("./a.sh").is_cut);
    }
}
