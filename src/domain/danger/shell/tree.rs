//! What a shell script is made of, once it is read.

/// A script: a list of pipelines.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Its pipelines, in order.
    pub pipelines: Vec<Pipeline>,
}

/// Commands whose outputs feed each other.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// Its commands, in order.
    pub commands: Vec<Command>,
    /// Whether the shell does not wait for it.
    pub is_background: bool,
}

/// One command with its redirections.
#[derive(Clone, Debug)]
pub struct Command {
    /// What it is.
    pub body: Body,
    /// Where it reads and writes.
    pub redirects: Vec<Redirect>,
}

/// What a command is.
#[derive(Clone, Debug)]
pub enum Body {
    /// `A=b program argument`.
    Simple {
        /// `A=b` before the program.
        assignments: Vec<Assignment>,
        /// The program and its arguments.
        words: Vec<Word>,
    },
    /// `{ …; }`, or the parts of an `if`, a `while` or a `case`, all of which may run.
    Group(Vec<Script>),
    /// `( … )`.
    Subshell(Script),
    /// `for name in words; do …; done`.
    For {
        /// The variable.
        name: String,
        /// Its values; none where `in` is left out.
        words: Vec<Word>,
        /// What runs for each of them.
        body: Script,
    },
    /// `name() { …; }`.
    Function {
        /// Its name.
        name: String,
        /// What it runs.
        body: Box<Command>,
    },
    /// `[[ … ]]` and `(( … ))`: only what their words run.
    Test(Vec<Word>),
}

/// `name=value`, `name+=value`, `name=(value …)`.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// `[…]` behind its name.
    pub index: Option<Word>,
    /// Whether it is appended to.
    pub is_appended: bool,
    /// Its values; more than one for an array.
    pub values: Vec<Word>,
}

/// Where a command reads or writes.
#[derive(Clone, Debug)]
pub enum Redirect {
    /// `> file`: what was there is lost.
    Write(Word),
    /// `>> file`.
    Append(Word),
    /// `< file`.
    Read(Word),
    /// A here-document or a here-string.
    Text(Word),
    /// A here-document that has not been reached yet, by its number.
    Pending(usize),
}

/// A word in the pieces that it is put together from.
#[derive(Clone, Debug, Default)]
pub struct Word {
    /// The pieces.
    pub pieces: Vec<Piece>,
}

/// A piece of a word.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Text outside quotes.
    Plain(String),
    /// Text within quotes, or behind a backslash.
    Quoted(String),
    /// `$name`, `${name…}`.
    Parameter(Box<Parameter>, Quoting),
    /// `$(…)`.
    Output(Script, Quoting),
    /// `<(…)` and `>(…)`.
    Process(Script),
    /// `$((…))`, by what its words run.
    Arithmetic(Word),
}

/// Whether a piece is within double quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// It is: its value stays one word.
    Double,
    /// It is not: its value falls apart at blanks.
    None,
}

/// An expansion of a variable.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The variable: a name, a number, or a sign.
    pub name: String,
    /// `[…]` behind it.
    pub index: Option<Word>,
    /// What is done with the value.
    pub change: Change,
}

/// What an expansion does with a variable's value.
#[derive(Clone, Debug)]
pub enum Change {
    /// Nothing.
    None,
    /// `${x:-word}`, `${x:=word}`.
    Default(Word),
    /// `${x:+word}`.
    Instead(Word),
    /// `${x:from:count}`.
    Part(Word),
    /// `${x#pattern}`, `${x%pattern}`: whether it is cut at the end.
    Cut(Word, bool),
    /// `${x/pattern/word}`: whether everywhere.
    Replace(Word, Word, bool),
    /// `${x^^}` and `${x,,}`: whether to upper case.
    Case(bool),
    /// `${!x}`: the value of the variable that it names.
    Indirect,
    /// `${x@P}`: the value as a prompt would show it, with its substitutions carried out.
    Prompt,
    /// Any other: what comes of it is not known.
    Other(Word),
}
