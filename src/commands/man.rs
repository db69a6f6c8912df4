//! `man`: the manual pages, made from the definition of the command line.
//!
//! Owns which pages there are and what they are called; what is on them is what `--help` says.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::exit::Failure;
use super::output::Output;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer man > ~/.local/share/man/man1/humanlayer.1\n  \
    humanlayer man daemon status | man -l -\n  \
    humanlayer man --output-dir ~/.local/share/man/man1\n\n\
    Without a command, the page of the program itself is printed.")]
pub struct Args {
    /// The command whose page is printed
    #[arg(value_name = "COMMAND", conflicts_with = "output_dir")]
    pub command: Vec<String>,

    /// Write the pages of all commands to this directory, which is made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
}

/// A page, and the name of its file.
struct Page {
    file: String,
    roff: String,
}

/// Prints a page of the command line that is given, or writes all of them.
pub fn run(args: &Args, program: clap::Command, mut out: Output) -> Result<(), Failure> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    if let Some(directory) = &args.output_dir {
        let mut pages = Vec::new();
        collect(&program, &mut pages)?;
        let files = write(directory, &pages)?;
        return out.result(&files, |out| {
            out.line(format!("{} pages in {}", files.len(), directory.display()))
        });
    }
    let mut command = &program;
    for name in &args.command {
        command = command
            .find_subcommand(name)
            .filter(|found| !found.is_hide_set())
            .ok_or_else(|| {
                let words = args.command.join(" ");
                Failure::usage(format!("there is no command `{words}`"))
                    .with_hint("`humanlayer --help` lists the commands")
            })?;
    }
    let page = page(command)?;
    let printed = json!({"file": page.file, "roff": page.roff});
    out.result(&printed, |out| out.line(page.roff.trim_end()))
}

/// The pages of a command and of all below it.
fn collect(command: &clap::Command, pages: &mut Vec<Page>) -> Result<(), Failure> {
    pages.push(page(command)?);
    command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
        .try_for_each(|inner| collect(inner, pages))
}

fn page(command: &clap::Command) -> Result<Page, Failure> {
    let manual = clap_mangen::Man::new(command.clone()).manual("humanlayer manual");
    let mut roff = Vec::new();
    manual.render(&mut roff)?;
    Ok(Page {
        file: manual.get_filename(),
        roff: String::from_utf8_lossy(&roff).into_owned(),
    })
}

/// Writes the pages; gives their files.
fn write(directory: &Path, pages: &[Page]) -> Result<Vec<PathBuf>, Failure> {
    let failed = |path: &Path, cause: std::io::Error| {
        Failure::failed(format!("writing the pages to {}: {cause}", path.display()))
    };
    std::fs::create_dir_all(directory).map_err(|cause| failed(directory, cause))?;
    let mut files = Vec::new();
    for page in pages {
        let file = directory.join(&page.file);
        std::fs::write(&file, &page.roff).map_err(|cause| failed(&file, cause))?;
        files.push(file);
    }
    Ok(files)
}
