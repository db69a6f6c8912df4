//! What is said of a call that is dangerous, or of which it can't be told what it runs.

pub(super) const DELETES: &str = "deletes directories recursively";
pub(super) const DELETES_FOUND: &str = "deletes every file that it finds";
pub(super) const DELETES_MISSING: &str = "deletes files that the source does not have";
pub(super) const DELETES_FILES: &str = "deletes files permanently";
pub(super) const AS_ROOT: &str = "runs as another user, usually root";
pub(super) const FROM_NETWORK: &str = "runs code straight from the network";
pub(super) const LOSES_WORK: &str = "discards uncommitted changes";
pub(super) const REWRITES: &str = "rewrites or deletes published history";
pub(super) const PUBLISHES: &str = "publishes something that cannot be unpublished";
pub(super) const REMOVES_DATA: &str = "deletes containers, volumes or cloud resources";
pub(super) const DISK: &str = "overwrites a disk or a file system";
pub(super) const KILLS: &str = "force-kills processes";
pub(super) const OPEN_TO_ALL: &str = "makes it world-writable or setuid";
pub(super) const LOCKS_OUT: &str = "removes access to files";
pub(super) const OWNER: &str = "changes the owner of a whole directory";
pub(super) const STOPS: &str = "stops this machine or one of its services";
pub(super) const FIREWALL: &str = "opens the firewall";
pub(super) const NETWORK: &str = "cuts or changes this machine's network";
pub(super) const USERS: &str = "changes the users of this machine";
pub(super) const GRANTS: &str = "grants more rights, or makes something public";
pub(super) const RUN_OF_MACHINE: &str = "gives a container full access to this machine";
pub(super) const PACKAGES: &str = "uninstalls programs";
pub(super) const KERNEL: &str = "changes the kernel or how this machine starts";
pub(super) const SQL: &str = "deletes data from a database";
pub(super) const EMPTIES: &str = "empties a file";
pub(super) const OVERWRITES: &str = "overwrites files, or moves them away";
pub(super) const SENDS: &str = "sends data from here to another machine";
pub(super) const RAW_CONNECTION: &str = "opens a connection of its own to another machine";
pub(super) const REMOTE_SHELL: &str = "lets another machine run commands here";
pub(super) const HIJACKS: &str = "changes what other programs load or run";
pub(super) const SYSTEM_SETTINGS: &str = "changes how this machine is set up";
pub(super) const HIDES: &str = "deletes traces of what was done";
pub(super) const PROTECTION: &str = "turns off a protection";
pub(super) const DECIDES: &str = "decides requests, or stops or changes humanlayer itself";
pub(super) const UNASKED: &str = "starts an agent that does not ask for permission";
pub(super) const TYPES: &str = "types into another program as a person would";
pub(super) const ATTACHES: &str = "reads or changes another running program";
pub(super) const BY_VERB: &str = "removes something, by its verb";
pub(super) const BY_NAME: &str = "removes something, by its name";

/// The program that reads the network runs it: `curl … | sh` of something encoded.
pub(super) const UNREADABLE: &str =
    "can't tell what runs: it runs a program that cannot be read here";
pub(super) const NAME_UNKNOWN: &str =
    "can't tell what runs: the program's name is made when it runs";
pub(super) const SHADOWS: &str =
    "can't tell what runs: it gives a program's name to something else";
pub(super) const HELPER: &str =
    "can't tell what runs: an option, a setting or a variable names another program";
pub(super) const DOWNLOADED: &str = "can't tell what runs: it is downloaded and run at once";
pub(super) const ASKS_OTHERS: &str = "can't tell what runs: it asks another program to do it";
pub(super) const SCRIPT_UNKNOWN: &str =
    "can't tell what runs: its commands are made by another program";
pub(super) const CODE_UNKNOWN: &str = "can't tell what runs: its code is made when it runs";
pub(super) const TOO_LONG: &str = "can't tell what runs: it is too long to be looked through whole";
pub(super) const TOO_DEEP: &str = "can't tell what runs: it is nested too deeply";
