//! Names of programs that a script gives to something of its own, by a function or an alias.
//!
//! A definition never takes a mark away: whether it was carried out in this very shell, and whether a
//! call sees it, cannot be known (`command`, `env`, a subshell and another shell do not). So a call is
//! judged both as the program and as what the name was given to, and a definition whose name is that of
//! a program of the tables is itself something of which it can't be told what runs.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::{Verdict, code_table, programs, wrapper_table, wrappers};

/// Programs that are judged by rules of their own, and parts of the shell on which the rest depends.
const OTHERS: &str = "rm grm unlink shred srm dd mkfs cp mv ln tee truncate find gfind fd chmod chown chgrp mount umount \
    kill pkill killall shutdown reboot halt poweroff systemctl service launchctl crontab iptables ip6tables ufw nft \
    nc ncat netcat socat telnet openssl base64 xxd visudo useradd usermod userdel passwd insmod modprobe rmmod sysctl \
    humanlayer hlyr claude sed awk sqlite3 psql mysql mongosh redis-cli gdb setfacl chattr wipefs fdisk sfdisk \
    sgdisk parted blkdiscard history dmesg sponge printf echo cat head tail sort tr grep jq \
    cd pushd popd read mapfile readarray export declare local typeset readonly set shift unset eval source . \
    command builtin exec alias unalias pwd mktemp which enable hash type";

/// Names of programs that are rather those of a script's own functions.
const USUAL_FUNCTIONS: &str = "k g pass print say info run step up fetch http host batch screen install clean erase watch \
    retry expect flock script sg time task test lint fmt serve migrate security defaults console kind copilot architect salt fly flux atlas mix pod gem sam at go_to np hub mc now op ctx t w GET POST hurl just d dex";

/// Whether the name is that of a program, or of a part of the shell, on which a judgement depends.
pub(super) fn is_program(name: &str) -> bool {
    static SET: OnceLock<(HashSet<&str>, HashSet<&str>)> = OnceLock::new();
    let (others, usual) = SET.get_or_init(|| {
        let set = |names: &'static str| names.split_whitespace().collect();
        (set(OTHERS), set(USUAL_FUNCTIONS))
    });
    let name = name.rsplit('/').next().unwrap_or(name);
    !usual.contains(name)
        && (others.contains(name)
            || !wrapper_table::known(name).is_empty()
            || wrappers::SHELLS.split(' ').any(|shell| shell == name)
            || code_table::is_interpreter(name)
            || programs::is_judged(name))
}

/// What is to be said of an alias.
pub(super) fn alias(name: &str, value: &str) -> Option<Verdict> {
    let first = value.split_whitespace().next().unwrap_or_default();
    let usual = [
        "ls",
        "cd",
        "sudo",
        "git",
        "ssh",
        "cat",
        "humanlayer",
        "claude",
    ];
    // What only adds options to the program, or puts one of its kind in its place.
    let is_plain = !value.contains([';', '|', '&', '`', '$', '<', '>', '(', '\n']);
    let own = is_plain
        && (first.rsplit('/').next() == Some(name)
            || matches!(
                first,
                "eza"
                    | "exa"
                    | "lsd"
                    | "bat"
                    | "ls"
                    | "hub"
                    | "git"
                    | "batcat"
                    | "doas"
                    | "rg"
                    | "fd"
                    | "vim"
                    | "nvim"
            )
            || matches!(
                (name, first),
                ("docker", "podman") | ("python", "python3") | ("pip", "pip3")
            ));
    match () {
        () if value.is_empty() || own => None,
        () if usual.contains(&name) => Some(Verdict::Dangerous),
        () => is_program(name).then_some(Verdict::CantTell),
    }
}
