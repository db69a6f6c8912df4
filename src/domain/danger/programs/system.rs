//! The machine: processes, services, users, kernel, firewall, jobs.

use super::super::paths::LATER;
use super::super::reason::{
    ATTACHES, FIREWALL, GRANTS, HIDES, HIJACKS, KERNEL, KILLS, NETWORK, PROTECTION, STOPS,
    SYSTEM_SETTINGS, TYPES, USERS,
};
use super::super::run::Run;
use super::Call;

pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    if let Some(reason) = verdict(call) {
        run.found.add(reason, call.whole);
    }
    // What may be unlocked for others.
    if call.is("visudo useradd adduser userdel deluser usermod groupadd groupdel groupmod gpasswd passwd chpasswd chsh chage newusers vipw addgroup delgroup")
        && !call.has("-S --status -l --list -c --check") | call.is("chsh useradd usermod gpasswd")
    {
        run.found.add(USERS, call.whole);
    }
}

fn verdict(call: &Call<'_>) -> Option<&'static str> {
    let words: Vec<&str> = call.words().collect();
    let first = words
        .iter()
        .find(|word| !word.starts_with('-'))
        .copied()
        .unwrap_or_default();
    let has = |word: &str| words.contains(&word);
    let any = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let positional = call.positional();
    match call.name {
        "mount" => (any(&["remount,rw", "remount,ro", "-o"])
            && words.iter().any(|word| word.contains("remount")))
        .then_some(SYSTEM_SETTINGS),
        "umount" => {
            (call.has("-f -l -a") || positional.iter().any(|arg| arg.text == "/")).then_some(STOPS)
        }
        "swapoff" => Some(STOPS),
        "kill" => kills(&words).then_some(KILLS),
        "pkill" | "killall" | "killall5" | "xkill" | "skill" | "slay" => {
            (!call.has("-0 -l --list") && !words.is_empty() || call.name == "killall5")
                .then_some(KILLS)
        }
        "fuser" => call.has("-k --kill").then_some(KILLS),
        "taskkill" | "Stop-Process" | "kill-port" => Some(KILLS),
        "shutdown" | "reboot" | "halt" | "poweroff" => (!has("-c")).then_some(STOPS),
        "init" | "telinit" => first.parse::<u8>().is_ok().then_some(STOPS),
        "systemctl" | "service" | "rc-service" | "launchctl" | "sv" | "supervisorctl"
        | "initctl" | "s6-svc" | "pm2" | "monit" | "rc-update" => service(call, &words),
        "loginctl" => words
            .iter()
            .any(|word| word.starts_with("terminate") || word.starts_with("kill"))
            .then_some(STOPS),
        "apachectl" | "nginx" | "apache2ctl" | "haproxy" => {
            (has("stop") || has("quit") || has("-s") && has("quit") || has("graceful-stop"))
                .then_some(STOPS)
        }
        "iptables" | "ip6tables" | "ebtables" | "arptables" => {
            let opens = call.has("-F --flush -X --delete-chain -D --delete -Z")
                || any(&["-P", "--policy"])
                || any(&["-I", "-A"]);
            opens.then_some(FIREWALL)
        }
        "iptables-restore" => Some(FIREWALL),
        "nft" => any(&["flush", "delete", "destroy"]).then_some(FIREWALL),
        "ufw" => (matches!(first, "disable" | "reset" | "allow" | "delete" | "default")
            || has("disable")
            || has("reset"))
        .then_some(FIREWALL),
        "firewall-cmd" => words
            .iter()
            .any(|word| {
                word.starts_with("--remove")
                    || word.starts_with("--add")
                    || word.starts_with("--panic")
                    || word.starts_with("--set-default")
                    || word.starts_with("--set-target")
            })
            .then_some(FIREWALL),
        "pfctl" => call.has("-d -F").then_some(FIREWALL),
        "netsh" => Some(FIREWALL).filter(|_| has("off") || has("reset") || has("delete")),
        "ip" => any(&["down", "flush", "del", "delete"]).then_some(NETWORK),
        "ifconfig" => has("down").then_some(NETWORK),
        "nmcli" => any(&["off", "down", "delete", "disconnect"]).then_some(NETWORK),
        "ifdown" | "tc" | "arpspoof" | "ettercap" | "macchanger" => {
            (call.name != "tc" || any(&["add", "replace", "del"])).then_some(NETWORK)
        }
        "route" => any(&["del", "delete", "flush", "add"]).then_some(NETWORK),
        "networksetup" | "scutil" => words
            .iter()
            .any(|word| {
                word.starts_with("-set") || word.starts_with("--set") || word.starts_with("-remove")
            })
            .then_some(NETWORK),
        "resolvectl" => any(&["dns", "revert"]).then_some(NETWORK),
        "crontab" => (!call.has("-l")).then_some(LATER),
        "at" | "batch" => (!call.has("-l -c -V")).then_some(LATER),
        "schtasks" => Some(LATER),
        "systemd-run" => words
            .iter()
            .any(|word| word.starts_with("--on-") || word.starts_with("--timer"))
            .then_some(LATER),
        "update-rc.d" | "chkconfig" => Some(LATER),
        "modprobe" | "insmod" | "rmmod" | "kexec" | "depmod" | "kmodload" | "kextload"
        | "kextunload" => (!call.has("-n --dry-run --show-depends -c -l")).then_some(KERNEL),
        "grub-install" | "update-grub" | "grub-mkconfig" | "grub2-mkconfig" | "efibootmgr"
        | "bootctl" | "update-initramfs" | "dracut" | "mkinitcpio" | "nvram" | "bcdedit"
        | "bless" => {
            (!words.is_empty() && !matches!(first, "status" | "list") && !has("-p") && !has("-v")
                || call.name == "update-grub")
                .then_some(KERNEL)
        }
        "sysctl" => (call.has("-w --write -p --load --system")
            || words.iter().any(|word| word.contains('=')))
        .then_some(KERNEL),
        "dmesg" => call.has("-C --clear -c").then_some(HIDES),
        "history" => call.has("-c -d").then_some(HIDES),
        "logger" => None,
        "gdb" | "lldb" | "gcore" | "strace" | "ltrace" | "ptrace" | "reptyr" | "frida"
        | "dtrace" | "rr" | "py-spy" | "bpftrace" | "perf" | "injcode" | "criu" => {
            let is_attached = any(&["-p", "--pid", "--attach-pid", "-n"])
                || words.iter().any(|word| {
                    word.starts_with("--pid=")
                        || word.starts_with("-p")
                            && word.len() > 2
                            && word.as_bytes().get(2).is_some_and(u8::is_ascii_digit)
                });
            let is_core =
                matches!(call.name, "gcore" | "reptyr" | "frida" | "criu") && !words.is_empty();
            let by_number = call.name == "gdb"
                && positional.len() == 2
                && positional
                    .iter()
                    .any(|arg| arg.text.chars().all(|c| c.is_ascii_digit()));
            let watches = matches!(call.name, "py-spy" | "perf");
            ((is_attached && !watches) || is_core || by_number).then_some(ATTACHES)
        }
        "tcpdump" | "tshark" | "dumpcap" | "ngrep" => None,
        "xdotool" | "ydotool" | "wtype" | "dotool" | "cliclick" | "xte" => {
            any(&["type", "key", "keydown", "click"])
                .then_some(TYPES)
                .or((matches!(call.name, "wtype" | "dotool" | "xte")
                    || words
                        .iter()
                        .any(|word| word.starts_with("t:") || word.starts_with("kp:")))
                .then_some(TYPES))
        }
        "update-alternatives" | "alternatives" => {
            (call.has("--set --install --remove --remove-all --config")).then_some(HIJACKS)
        }
        "ldconfig" | "patchelf" => None,
        "setcap" | "setpriv" => (call.name == "setcap").then_some(GRANTS),
        "ssh-copy-id" => (!call.has("-n")).then_some(GRANTS),
        "chattr" => words
            .iter()
            .any(|word| {
                word.starts_with("-i")
                    || word.starts_with("+i")
                    || word.starts_with("-a")
                    || word.starts_with("+a")
            })
            .then_some(PROTECTION),
        "timedatectl" | "hwclock" | "date" => (words
            .iter()
            .any(|word| word.starts_with("set-") || *word == "--systohc" || *word == "-w")
            || call.has("-s --set") && call.name == "date")
            .then_some(SYSTEM_SETTINGS),
        "hostnamectl" | "localectl" => words
            .iter()
            .any(|word| word.starts_with("set-"))
            .then_some(SYSTEM_SETTINGS),
        "quotaoff" | "usermod" => None,
        "stress" | "stress-ng" => Some(STOPS),
        "powershell" | "pwsh" => None,
        _ => None,
    }
}

fn service(call: &Call<'_>, words: &[&str]) -> Option<&'static str> {
    let stops = words.iter().any(|word| {
        matches!(
            *word,
            "stop"
                | "disable"
                | "mask"
                | "kill"
                | "unload"
                | "bootout"
                | "remove"
                | "isolate"
                | "poweroff"
                | "reboot"
                | "halt"
                | "rescue"
                | "emergency"
                | "suspend"
                | "hibernate"
                | "kexec"
                | "soft-reboot"
                | "shutdown"
                | "delete"
                | "revert"
                | "del"
                | "down"
                | "exit"
        )
    });
    let verbs: Vec<&str> = words
        .iter()
        .filter(|word| !word.starts_with('-'))
        .copied()
        .take(3)
        .collect();
    let starts = match call.name {
        "launchctl" => matches!(
            verbs.first(),
            Some(&("load" | "bootstrap" | "submit" | "enable"))
        ),
        "systemctl" => matches!(
            verbs.first(),
            Some(
                &("enable"
                    | "link"
                    | "edit"
                    | "set-property"
                    | "set-environment"
                    | "import-environment"
                    | "set-default")
            )
        ),
        _ => false,
    };
    if stops {
        return Some(STOPS);
    }
    starts.then_some(LATER)
}

fn kills(words: &[&str]) -> bool {
    let by_signal = |word: &str| {
        matches!(
            word.trim_start_matches('-').to_ascii_uppercase().as_str(),
            "9" | "KILL" | "SIGKILL" | "STOP" | "SIGSTOP" | "19"
        )
    };
    let mut before = "";
    for word in words {
        let named = matches!(before, "-s" | "-n" | "--signal");
        if (word.starts_with('-') || named) && by_signal(word) {
            return true;
        }
        if let Some(signal) = word.strip_prefix("--signal=")
            && by_signal(signal)
        {
            return true;
        }
        // Every process that one may signal.
        if *word == "-1" && (!before.is_empty() || words.len() == 1) {
            return true;
        }
        before = word;
    }
    false
}
