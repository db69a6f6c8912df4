//! A script carried out on paper: which programs would run, with what, and what they would read.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::shell::{self, Body, Command, Cut, Pipeline, Redirect, Script, Word};
use super::value::{Arg, Flow, Origin};
use super::{Found, code, names, paths, programs, reason, wrappers};

/// Steps that one call may cost: characters read and copied, words looked at.
pub(super) const MAX_STEPS: usize = 1 << 20;
/// Steps that a command costs beside its text, and that a program costs that is judged.
const COMMAND: usize = 8;
const PROGRAM: usize = 768;
/// Words of one command that are looked at.
const MAX_WORDS: usize = 1024;
/// Scripts, functions and commands within each other.
const MAX_DEPTH: usize = 64;
/// Values of a loop's variable for which its body is looked at one by one.
const MAX_ROUNDS: usize = 16;

/// A script that is being carried out.
pub(super) struct Run<'f> {
    /// What was found.
    pub found: &'f mut Found,
    /// Variables that the script sets.
    pub variables: HashMap<String, Vec<Arg>>,
    /// `$1` and so on; none where they come from outside.
    pub positional: Option<Vec<Arg>>,
    /// The directory that it went to, if it did.
    pub directory: Option<String>,
    /// Files that it made.
    pub files: HashMap<String, Flow>,
    /// Files that the present pipeline names to be read.
    reads: Vec<String>,
    /// Whether what is read only becomes variables.
    pub is_loading: bool,
    /// How many process substitutions it has had.
    pub processes: usize,
    functions: HashMap<String, Rc<Command>>,
    /// Variables that stand for others.
    pub references: HashMap<String, String>,
    /// Variables whose values are evaluated as arithmetic.
    pub numbers: HashSet<String>,
    /// Values that variables had before.
    pub earlier: HashMap<String, Vec<Vec<Arg>>>,
    /// What aliases stand for.
    pub aliases: HashMap<String, String>,
    /// Functions that are being carried out, and variables (`$x`) that are being evaluated.
    active: Vec<String>,
    /// Whether what runs now runs beside something else.
    is_beside: bool,
    depth: usize,
}

impl<'f> Run<'f> {
    /// One that has not begun.
    pub fn new(found: &'f mut Found) -> Self {
        Self {
            found,
            variables: HashMap::new(),
            positional: Some(Vec::new()),
            directory: None,
            files: HashMap::new(),
            reads: Vec::new(),
            is_loading: false,
            processes: 0,
            functions: HashMap::new(),
            references: HashMap::new(),
            numbers: HashSet::new(),
            earlier: HashMap::new(),
            aliases: HashMap::new(),
            active: Vec::new(),
            is_beside: false,
            depth: 0,
        }
    }

    /// Steps that are left.
    #[cfg(test)]
    pub fn steps_left(&self) -> usize {
        self.found.steps
    }

    /// Takes steps.
    pub fn spend(&mut self, steps: usize) {
        self.found.steps = self.found.steps.saturating_sub(steps);
        if self.found.steps == 0 {
            self.found.unclear(reason::TOO_LONG, "");
        }
    }

    /// Does something that is within what is being done.
    pub fn nested(&mut self, go: impl FnOnce(&mut Self) -> Flow) -> Flow {
        if self.depth >= MAX_DEPTH {
            self.found.unclear(reason::TOO_DEEP, "");
            return Flow::of(Origin::Computed, "");
        }
        if self.found.steps == 0 {
            return Flow::of(Origin::Computed, "");
        }
        self.depth += 1;
        let flow = go(self);
        self.depth -= 1;
        flow
    }

    /// Carries out a script that is given as a text.
    pub fn text(&mut self, text: &str) -> Flow {
        self.nested(|run| {
            let reading = shell::read(text, &mut run.found.steps);
            match reading.cut {
                Some(Cut::TooLong) => run.found.unclear(reason::TOO_LONG, ""),
                Some(Cut::TooDeep) => run.found.unclear(reason::TOO_DEEP, ""),
                None => {}
            }
            run.script(&reading.script)
        })
    }

    /// Carries out a script.
    pub fn script(&mut self, script: &Script) -> Flow {
        self.fed(script, Flow::nothing())
    }

    /// A script whose first command reads something.
    fn fed(&mut self, script: &Script, stdin: Flow) -> Flow {
        let mut flow = Flow::nothing();
        let mut rest = Some(stdin);
        for pipeline in &script.pipelines {
            let made = self.pipeline(pipeline, rest.take().unwrap_or_else(Flow::nothing));
            flow = flow.and(made);
        }
        flow
    }

    fn pipeline(&mut self, pipeline: &Pipeline, stdin: Flow) -> Flow {
        let is_many = pipeline.commands.len() > 1;
        let was_beside = self.is_beside;
        let directory = is_many.then(|| self.directory.clone());
        self.is_beside |= is_many || pipeline.is_background;
        let reads = std::mem::take(&mut self.reads);
        let mut flow = stdin;
        for command in &pipeline.commands {
            if self.found.steps == 0 {
                break;
            }
            flow = self.nested(|run| run.command(command, flow));
        }
        self.is_beside = was_beside;
        self.reads = reads;
        if let Some(directory) = directory {
            self.directory = directory;
        }
        flow
    }

    fn command(&mut self, command: &Command, stdin: Flow) -> Flow {
        self.spend(COMMAND);
        let mut stdin = stdin;
        let mut writes: Vec<(String, bool)> = Vec::new();
        for redirect in &command.redirects {
            match redirect {
                Redirect::Text(word) => {
                    let text = self.text_of(word);
                    stdin = Flow {
                        origin: text.origin,
                        text: text.is_known().then(|| format!("{}\n", text.text).into()),
                        label: "".into(),
                        is_secret: text.is_secret,
                    };
                    if !text.is_known() && text.origin == Origin::Computed {
                        // Most of it is plain to see, and what is not stands there as it is written.
                        stdin.text = Some(text.text.into());
                    }
                }
                Redirect::Read(word) => {
                    let path = self.text_of(word).text;
                    let full = self.full(&path);
                    self.reads.push(full);
                    stdin = self.read_file(&path, &format!("< {path}"));
                }
                Redirect::Write(word) | Redirect::Append(word) => {
                    let appends = matches!(redirect, Redirect::Append(_));
                    let path = self.text_of(word).text;
                    let full = self.full(&path);
                    let label = format!("> {path}");
                    if let Some(reason) = paths::written(&full) {
                        self.found.add(reason, &label);
                    }
                    if paths::is_remote(&path) {
                        self.found.add(reason::RAW_CONNECTION, &label);
                    }
                    writes.push((path, appends));
                }
                Redirect::Pending(_) => {}
            }
        }
        let flow = match &command.body {
            Body::Simple { assignments, words } => {
                let mut args = Vec::new();
                for assignment in assignments {
                    let mut values = Vec::new();
                    let index = assignment.index.as_ref().map(|index| self.subscript(index));
                    for word in &assignment.values {
                        if assignment.values.len() == 1 {
                            values.push(self.text_of(word));
                        } else {
                            values.extend(self.words(word));
                        }
                    }
                    if self.declared(words, &assignment.name, &values) {
                        continue;
                    }
                    let earlier = self.with_earlier(&assignment.values);
                    let is_array = values.len() != 1;
                    if let Some(index) = &index {
                        values = self.with_element(&assignment.name, index, values);
                    }
                    self.set(&assignment.name, values, assignment.is_appended, is_array);
                    for values in earlier {
                        self.keep_earlier(&assignment.name, values);
                    }
                }
                let was_loading = self.is_loading;
                self.is_loading |= words.first().and_then(Word::plain) == Some("export");
                for word in words {
                    if args.len() > MAX_WORDS {
                        self.found.unclear(reason::TOO_LONG, "");
                        break;
                    }
                    if self.found.steps == 0 {
                        break;
                    }
                    args.extend(self.words(word));
                }
                self.is_loading = was_loading;
                if words.is_empty()
                    || matches!(args.first().map(|a| a.text.as_str()), Some(":" | "true"))
                {
                    for (path, appends) in &writes {
                        self.emptied(path, *appends);
                    }
                }
                self.note_reads(&args);
                for (path, appends) in &writes {
                    // The shell empties a file before its programs read it.
                    if !appends && self.reads.contains(&self.full(path)) {
                        self.found.add(reason::EMPTIES, &format!("> {path}"));
                    }
                }
                self.run_with_earlier(words, &stdin);
                if args.is_empty() {
                    stdin.clone()
                } else {
                    let made = self.run(&args, &stdin);
                    let printer = args.first().and_then(Arg::program).unwrap_or_default();
                    if made.is_nothing() && matches!(printer, "cat" | "echo" | "printf") {
                        for (path, appends) in &writes {
                            self.emptied(path, *appends);
                        }
                    }
                    made
                }
            }
            Body::Group(scripts) => {
                let mut flow = Flow::nothing();
                let mut rest = Some(stdin);
                for script in scripts {
                    // What the group reads, its first command reads.
                    let made = match rest.take().filter(|_| script.pipelines.len() == 1) {
                        Some(stdin) => self.fed(script, stdin),
                        None => self.script(script),
                    };
                    flow = flow.and(made);
                }
                flow
            }
            Body::Subshell(script) => {
                let directory = self.directory.clone();
                let positional = self.positional.clone();
                let flow = self.fed(script, stdin);
                self.directory = directory;
                self.positional = positional;
                flow
            }
            Body::For { name, words, body } => {
                let values: Vec<Arg> = words.iter().flat_map(|word| self.words(word)).collect();
                let mut flow = Flow::nothing();
                let is_each = values.len() <= MAX_ROUNDS && !values.is_empty();
                let rounds = if is_each {
                    values
                } else {
                    vec![Arg::unknown("$each", Origin::Computed)]
                };
                for value in rounds {
                    self.set(name, vec![value], false, false);
                    flow = flow.and(self.script(body));
                }
                flow
            }
            Body::Function { name, body } => {
                self.functions
                    .insert(name.clone(), Rc::new((**body).clone()));
                if names::is_program(name) {
                    self.found.unclear(reason::SHADOWS, &format!("{name}()"));
                }
                // It is looked at here too, whether or not it is called with something.
                let calls = self.found.unclear_is_off;
                self.found.unclear_is_off = true;
                let positional = self.positional.take();
                self.within(name.clone(), |run| {
                    run.nested(|run| run.command(body, Flow::nothing()))
                });
                self.positional = positional;
                self.found.unclear_is_off = calls;
                Flow::nothing()
            }
            Body::Test(words) => {
                let args: Vec<Arg> = words.iter().map(|word| self.text_of(word)).collect();
                self.tested(&args, false);
                Flow::nothing()
            }
        };
        if writes.is_empty() {
            return flow;
        }
        for (path, _) in &writes {
            if flow.is_secret && paths::is_remote(path) {
                self.found.add(reason::SENDS, &format!("> {path}"));
            }
            self.made(path, &flow);
        }
        Flow::nothing()
    }

    /// Notes the files that a program is given, as far as they may be read.
    fn note_reads(&mut self, args: &[Arg]) {
        let Some((program, words)) = args.split_first() else {
            return;
        };
        let reads = matches!(
            program.program().unwrap_or_default(),
            "cat"
                | "sort"
                | "uniq"
                | "grep"
                | "sed"
                | "awk"
                | "cut"
                | "tr"
                | "head"
                | "tail"
                | "jq"
                | "yq"
                | "nl"
                | "tac"
                | "rev"
                | "fold"
                | "column"
                | "paste"
                | "join"
                | "iconv"
                | "base64"
                | "xxd"
                | "gunzip"
                | "envsubst"
                | "python3"
                | "node"
                | "perl"
                | "prettier"
        );
        if reads {
            let named = words
                .iter()
                .take(MAX_ROUNDS)
                .filter(|word| !word.text.starts_with('-'));
            let named: Vec<String> = named.map(|word| self.full(&word.text)).collect();
            self.reads.extend(named);
        }
    }

    /// Calls a function with these arguments.
    fn call(&mut self, name: &str, args: &[Arg]) -> Flow {
        let Some(body) = self.functions.get(name).cloned() else {
            return Flow::nothing();
        };
        if self.is_active(name) {
            if self.is_beside {
                self.found.add(reason::STOPS, name);
            }
            return Flow::nothing();
        }
        let positional = self.positional.replace(args.to_vec());
        let flow = self.within(name.to_owned(), |run| {
            run.nested(|run| run.command(&body, Flow::nothing()))
        });
        self.positional = positional;
        flow
    }

    /// Does something within which it is not done again.
    pub fn within<T>(&mut self, name: String, go: impl FnOnce(&mut Self) -> T) -> T {
        self.active.push(name);
        let done = go(self);
        self.active.pop();
        done
    }

    /// Whether something of this name is being done.
    pub fn is_active(&self, name: &str) -> bool {
        self.active.iter().any(|active| active == name)
    }

    /// Carries out one program with its arguments.
    pub fn run(&mut self, args: &[Arg], stdin: &Flow) -> Flow {
        let Some((first, rest)) = args.split_first() else {
            return Flow::nothing();
        };
        self.spend(PROGRAM + args.iter().map(|arg| arg.text.len() / 4 + 4).sum::<usize>());
        if self.found.steps == 0 {
            return Flow::of(Origin::Computed, "");
        }
        let whole = join(args);
        if first.origin == Origin::Fetched {
            self.found.add(reason::FROM_NETWORK, &whole);
            return Flow::of(Origin::Computed, &whole);
        }
        let Some(name) = first.program().map(str::to_owned) else {
            let why = match first.origin {
                Origin::Encoded => reason::UNREADABLE,
                _ => reason::NAME_UNKNOWN,
            };
            self.found.unclear(why, &whole);
            return Flow::of(Origin::Computed, &whole);
        };
        // Whether the name stands for a function or an alias when it is reached cannot be known, so that
        // the program of that name is judged as well.
        let shadow = self.shadow(&name, rest);
        self.builtin_evaluates(&name, rest);
        if name.contains('[') && name != "[" && name != "[[" {
            // An assignment that was not read as one.
            self.target(&first.text);
        }
        if let Some(flow) = self.builtin(&name, rest, stdin) {
            return shadow.unwrap_or(flow);
        }
        if first.text.contains('/') {
            let full = self.full(&first.text);
            if let Some(made) = self.files.get(&full).cloned() {
                self.runs(&made, &whole);
            }
        }
        let flow = self.nested(|run| {
            let call = programs::Call::new(&name, rest, stdin, &whole);
            if wrappers::run(run, &call) {
                return Flow::of(Origin::Computed, &whole);
            }
            code::interpret(run, &call);
            programs::judge(run, &call);
            programs::output(run, &call)
        });
        shadow.unwrap_or(flow)
    }

    /// Carries out the alias or the function of a program's name, where the script makes one.
    fn shadow(&mut self, name: &str, rest: &[Arg]) -> Option<Flow> {
        if let Some(alias) = self.aliases.remove(name) {
            let line = format!("{alias} {}", join(rest));
            let flow = self.text(&line);
            self.aliases.insert(name.to_owned(), alias);
            return Some(flow);
        }
        let is_function = self.functions.contains_key(name);
        is_function.then(|| self.call(name, rest))
    }

    /// A script that comes from somewhere is run.
    pub fn runs(&mut self, flow: &Flow, whole: &str) {
        let from = if flow.label.is_empty() {
            whole.to_owned()
        } else {
            format!("{} | {whole}", flow.label)
        };
        match (flow.origin, &flow.text) {
            (Origin::Fetched, _) => self.found.add(reason::FROM_NETWORK, &from),
            (Origin::Encoded, _) => self.found.unclear(reason::UNREADABLE, &from),
            (_, Some(text)) => {
                let text = text.clone();
                let is_code = text.starts_with("#!")
                    && !text.lines().next().unwrap_or_default().ends_with("sh");
                if is_code {
                    code::source(self, &text, whole);
                } else {
                    drop(self.text(&text));
                }
            }
            (Origin::Computed, None) => self.found.unclear(reason::SCRIPT_UNKNOWN, &from),
            (Origin::File | Origin::Known, None) => {}
        }
    }

    /// A script in an argument.
    pub fn runs_arg(&mut self, script: &Arg, whole: &str) {
        match script.origin {
            Origin::Fetched => self.found.add(reason::FROM_NETWORK, whole),
            Origin::Encoded => self.found.unclear(reason::UNREADABLE, whole),
            _ if script.is_unknown() => self.found.unclear(reason::SCRIPT_UNKNOWN, whole),
            _ => drop(self.text(&script.text)),
        }
    }

    /// A file is emptied without anything that would fill it.
    fn emptied(&mut self, path: &str, appends: bool) {
        if !appends && paths::is_kept(&self.full(path)) {
            self.found.add(reason::EMPTIES, &format!("> {path}"));
        }
    }

    /// A file gets something to hold, beside what it may hold still.
    pub fn made(&mut self, path: &str, flow: &Flow) {
        let full = self.full(path);
        let held = match self.files.remove(&full) {
            Some(before) if before.text.is_some() && before.text == flow.text => before,
            Some(before) => {
                let cost = |flow: &Flow| flow.text.as_deref().map_or(0, str::len);
                self.spend((cost(&before) + cost(flow)) / 4);
                before.and(flow.clone())
            }
            None => flow.clone(),
        };
        self.files.insert(full, held);
    }

    /// What a file holds, as far as the script made it.
    pub fn read_file(&mut self, path: &str, label: &str) -> Flow {
        let full = self.full(path);
        if let Some(flow) = self.files.get(&full) {
            return flow.clone();
        }
        let mut flow = Flow::of(Origin::File, label);
        if paths::is_remote(path) {
            flow.origin = Origin::Fetched;
            self.found.add(reason::RAW_CONNECTION, label);
        } else if full == "/dev/null" {
            return Flow::nothing();
        }
        flow.is_secret = paths::is_secret(&full);
        if flow.is_secret {
            self.found.add(paths::SECRETS, label);
        }
        flow
    }

    /// A path from the root or from the home directory on, where that is known.
    pub fn full(&self, path: &str) -> String {
        paths::normal(path, self.directory.as_deref())
    }
}

/// Words as they could be written.
pub(super) fn join(args: &[Arg]) -> String {
    let texts: Vec<&str> = args.iter().map(|arg| arg.text.as_str()).collect();
    texts.join(" ")
}
