//! Disks: partition tables, file systems, volumes, encryption, and what drives are told directly.
//!
//! A tool whose letters mean one thing and another tool's the opposite (`-d` prints with `sfdisk` and
//! deletes with `sgdisk`) is judged by its own options. Where a tool has few ways to only look, those
//! are listed and all else writes.

use super::super::paths;
use super::super::reason::{DELETES_FILES, DISK, OVERWRITES};
use super::super::run::Run;
use super::Call;

pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    if let Some(reason) = verdict(call) {
        run.found.add(reason, call.whole);
    }
    if call.is("dd dcfldd dc3dd dd_rescue sg_dd") {
        for word in call.words() {
            let Some((_, path)) = word
                .split_once('=')
                .filter(|(name, _)| matches!(*name, "of" | "hof" | "wipe" | "hwipe"))
            else {
                continue;
            };
            let full = run.full(path);
            if is_disk(&full) {
                run.found.add(DISK, call.whole);
            } else if let Some(reason) = paths::written(&full) {
                run.found.add(reason, call.whole);
            } else if paths::is_data(&full) {
                run.found.add(OVERWRITES, call.whole);
            }
        }
    }
}

fn is_disk(path: &str) -> bool {
    path.strip_prefix("/dev/").is_some_and(paths::is_disk)
}

fn verdict(call: &Call<'_>) -> Option<&'static str> {
    let words: Vec<&str> = call.words().collect();
    let verbs: Vec<String> = words
        .iter()
        .filter(|word| !word.starts_with('-'))
        .map(|word| word.to_ascii_lowercase())
        .collect();
    let verb = |at: usize| verbs.get(at).map_or("", String::as_str);
    let any = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let begins = |starts: &[&str]| {
        words
            .iter()
            .any(|word| starts.iter().any(|start| word.starts_with(start)))
    };
    let given = |with_value: &str, wanted: &str| {
        let options = Options::of(call, with_value);
        options.any(wanted)
    };
    let harms = match call.name {
        "shred" | "wipe" | "srm" | "scrub" => return Some(DELETES_FILES),
        "fdisk" | "cfdisk" | "gdisk" | "cgdisk" | "sfdisk" | "sgdisk" | "parted" | "wipefs"
        | "gpart" | "gpt" => writes_partitions(call, &words),
        "mkswap" | "fsck.repair" | "nwipe" | "dban" | "diskpart" | "newfs" | "format"
        | "format.com" | "sg_format" | "sg_sanitize" | "sg_unmap" | "sg_write_same"
        | "Clear-Disk" | "Format-Volume" | "Initialize-Disk" | "Remove-Partition" => true,
        "blkdiscard" => !verbs.is_empty(),
        "mke2fs" | "mkfs.ext2" | "mkfs.ext3" | "mkfs.ext4" => {
            !words.is_empty() && !given("bCdeEgGiIJlLmMNoOrtTUz", "-n")
        }
        "mkfs" | "mkdosfs" | "mkntfs" | "mkexfatfs" | "mkudffs" | "mkreiserfs" => !words.is_empty(),
        name if name.starts_with("mkfs.") || name.starts_with("newfs_") => !words.is_empty(),
        "diskutil" => {
            (writes_on_a_mac(verb(0)) || is_mac_group(verb(0)) && writes_on_a_mac(verb(1)))
                && !any(&["limits"])
        }
        "hdparm" => {
            words
                .windows(2)
                .any(|two| two[0] == "-N" && two[1].starts_with('p'))
                || begins(&[
                    "--security",
                    "--trim",
                    "--write",
                    "--make-bad",
                    "--repair-sector",
                    "--fwdownload",
                    "--dco-restore",
                    "--dco-freeze",
                    "--set-sector-size",
                    "--sanitize-block",
                    "--sanitize-crypto",
                    "--sanitize-overwrite",
                    "-Np",
                ])
        }
        "nvme" => verbs.iter().take(2).any(|verb| {
            matches!(
                verb.as_str(),
                "format"
                    | "sanitize"
                    | "delete-ns"
                    | "detach-ns"
                    | "write"
                    | "write-zeroes"
                    | "write-uncor"
                    | "dsm"
                    | "fw-download"
                    | "fw-commit"
                    | "fw-activate"
                    | "security-send"
                    | "admin-passthru"
                    | "io-passthru"
            )
        }),
        "blkzone" => verb(0) == "reset",
        "mmc" => matches!(verb(0), "erase" | "enh_area" | "write_reliability" | "ffu"),
        "badblocks" => call.has("-w -n"),
        "cryptsetup" | "veritysetup" | "integritysetup" | "cryptsetup-reencrypt" => {
            call.name == "cryptsetup-reencrypt"
                || any(&[
                    "luksFormat",
                    "luksErase",
                    "erase",
                    "luksKillSlot",
                    "luksRemoveKey",
                    "luksChangeKey",
                    "luksHeaderRestore",
                    "reencrypt",
                    "format",
                    "convert",
                ])
        }
        "lvm" => {
            let (name, rest) = call.args.split_first()?;
            let whole = call.whole;
            return verdict(&Call::new(&name.text, rest, call.stdin, whole));
        }
        "lvremove" | "vgremove" | "pvremove" | "lvreduce" | "vgreduce" | "lvresize"
        | "pvcreate" | "vgcreate" | "vgcfgrestore" => !given("LlAcfpsMZu", "-t --test"),
        "lvconvert" => begins(&["--merge"]) && !given("LlAcfpsMZu", "-t --test"),
        "dmsetup" => matches!(verb(0), "wipe_table" | "remove_all"),
        "dmraid" => call.has("-E --erase_metadata"),
        "mdadm" => stops_an_array(call),
        "zpool" => match verb(0) {
            "destroy" | "labelclear" | "detach" | "offline" | "replace" | "attach" => true,
            "create" | "add" | "remove" => !given("oORmtT", "-n"),
            _ => false,
        },
        "zfs" => match verb(0) {
            "destroy" => !given("", "-n --dryrun"),
            "receive" | "recv" => given("oxd", "-F") && !given("oxd", "-n"),
            verb => matches!(verb, "rollback" | "unmount" | "umount"),
        },
        "btrfs" | "btrfsck" => {
            let skipped = usize::from(words.first() == Some(&"--format"));
            let verb = |at: usize| verb(at + skipped);
            let is = |at: usize, whole: &str, least: usize| {
                let word = verb(at);
                word.len() >= least && whole.starts_with(word)
            };
            // Any beginning of a command that stands for no other will do.
            is(0, "subvolume", 1) && is(1, "delete", 1)
                || is(0, "device", 1) && (is(1, "delete", 2) || is(1, "remove", 3))
                || is(0, "device", 1) && is(1, "add", 1) && call.has("-f --force")
                || is(0, "replace", 3) && is(1, "start", 3)
                || is(0, "rescue", 3) && !verb(1).is_empty()
                || begins(&["--repair", "--init-", "--clear-"])
        }
        "ntfsclone" => call.has("-O --overwrite"),
        "partclone.restore" | "partclone.dd" | "xfs_copy" => !words.is_empty(),
        "fsarchiver" => verb(0) == "restfs",
        "ddrescue" | "dd_rescue" => Options::of(call, "abceEFHiKmorsTxZ")
            .operands
            .get(1)
            .is_some_and(|target| is_disk(target)),
        "ceph-volume" => any(&["zap"]),
        "storcli" | "storcli64" | "perccli" | "perccli64" => {
            any(&["del", "delete", "erase", "initialization", "init"])
        }
        "arcconf" | "hpssacli" | "ssacli" => verbs
            .iter()
            .any(|verb| matches!(verb.as_str(), "delete" | "erase" | "uninit" | "initialize")),
        "MegaCli" | "MegaCli64" | "megacli" => begins(&["-CfgClr", "-CfgLdDel", "-LDInit"]),
        "camcontrol" => {
            matches!(verb(0), "format" | "sanitize" | "fwdownload")
                || verb(0) == "security" && call.has("-e -h")
        }
        "geli" => matches!(verb(0), "init" | "kill" | "delkey" | "setkey" | "restore"),
        "disklabel" | "bsdlabel" => call.has("-w -B -R -e"),
        "tune2fs" | "xfs_repair" | "e2fsck" | "fsck" | "debugfs" | "resize2fs" => {
            let names_device = words.iter().any(|word| is_disk(&paths::normal(word, None)));
            call.has("-y -w -L -f -O -c -a -p") && names_device && call.name != "e2fsck"
                || call.name == "debugfs" && call.has("-w")
                || call.has("-y")
        }
        _ => false,
    };
    harms.then_some(DISK)
}

/// Whether a tool for partition tables changes one.
fn writes_partitions(call: &Call<'_>, words: &[&str]) -> bool {
    if words.is_empty() {
        return false;
    }
    let given = Options::of(
        call,
        match call.name {
            "fdisk" => "bCHSowWt",
            "sfdisk" => "NoOwWXY",
            "cfdisk" => "b",
            "sgdisk" => "abi",
            "parted" => "a",
            "wipefs" => "Oot",
            _ => "",
        },
    );
    let has = |wanted: &str| given.any(wanted);
    match call.name {
        "fdisk" => !has("-l --list -x --list-details -s --getsz -V -v -h --version --help"),
        "cfdisk" => !has("-r --read-only -h -V --help --version"),
        "gdisk" => !has("-l"),
        "wipefs" => given.any_begun("-a --all -o --offset") && !has("-n --no-act"),
        "sfdisk" => {
            let looks = "-l --list -d --dump -J --json -F --list-free -T --list-types -V --verify \
                         -s --show-size -g --show-geometry -v --version -h --help";
            let changes = "--delete -A --activate --part-attrs --part-label --part-type --part-uuid \
                           --disk-id --relocate --discard-free -r --reorder --move-data -w --wipe";
            !has("-n --no-act") && (given.any_begun(changes) || !has(looks))
        }
        "sgdisk" => {
            let looks = "-p --print -i --info -v --verify -V --version -O --print-mbr \
                         -f --first-in-largest -F --first-aligned-in-largest -E --end-of-largest \
                         -L --list-types -D --display-alignment -b --backup -a --set-alignment \
                         --help -?";
            !has("-P --pretend") && !given.only(looks)
        }
        "parted" => parted_writes(call, has("-l --list"), has("-f --fix")),
        "gpart" | "gpt" => !matches!(
            words.iter().find(|word| !word.starts_with('-')),
            Some(&("show" | "list" | "status" | "backup"))
        ),
        _ => true,
    }
}

/// Whether the commands behind `parted`'s device change something; without any it asks for them.
fn parted_writes(call: &Call<'_>, lists: bool, fixes: bool) -> bool {
    let mut words = call
        .positional()
        .into_iter()
        .flat_map(|arg| arg.text.split_whitespace())
        .peekable();
    let has_device = words.next().is_some();
    if !has_device || words.peek().is_none() {
        return !lists || fixes;
    }
    while let Some(word) = words.next() {
        // Any beginning of a command that stands for no other will do.
        let is = |whole: &str, least: usize| word.len() >= least && whole.starts_with(word);
        let values = if is("print", 1) {
            let shown = ["devices", "free", "list", "all"];
            let takes = words
                .peek()
                .is_some_and(|next| shown.contains(next) || next.parse::<u32>().is_ok());
            usize::from(takes)
        } else if is("unit", 1) || is("select", 3) || is("help", 1) {
            1
        } else if is("align-check", 1) {
            2
        } else if is("quit", 1) || is("version", 1) {
            0
        } else {
            return true;
        };
        for _ in 0..values {
            words.next();
        }
    }
    fixes
}

/// The verbs under which `diskutil` has others.
fn is_mac_group(verb: &str) -> bool {
    matches!(
        verb,
        "apfs" | "ap" | "corestorage" | "cs" | "appleraid" | "ar" | "image"
    )
}

fn writes_on_a_mac(verb: &str) -> bool {
    ["erase", "partition", "delete", "resize"]
        .iter()
        .any(|part| verb.contains(part))
        || matches!(
            verb,
            "zerodisk" | "randomdisk" | "reformat" | "create" | "mergepartitions"
        )
}

/// Whether `mdadm` takes an array apart, or writes a new one over disks.
fn stops_an_array(call: &Call<'_>) -> bool {
    let given = Options::of(call, "lncxzpbNdume");
    let has = |wanted: &str| given.any(wanted);
    let looks = has("-F --monitor --follow -A --assemble -D --detail -E --examine -Q --query");
    given.any_begun(
        "--zero-superblock --stop -S --remove --fail --create -C --build -B --kill-subarray --add",
    ) || !looks && has("-r -f -a")
}

/// The words of a call as `getopt` reads them.
struct Options<'a> {
    /// Each letter of `-ab` by itself, up to one that takes a value, and a long one without its value.
    given: Vec<String>,
    /// What is neither an option nor the value of one.
    operands: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// Those of a call of a program in which these letters take a value.
    fn of(call: &Call<'a>, with_value: &str) -> Self {
        let mut options = Self {
            given: Vec::new(),
            operands: Vec::new(),
        };
        let mut skip = false;
        let mut all = false;
        for word in call.words() {
            if std::mem::take(&mut skip) {
                continue;
            }
            let letters = word.strip_prefix('-').filter(|rest| !rest.is_empty());
            let Some(letters) = letters.filter(|_| !all) else {
                options.operands.push(word);
                continue;
            };
            if letters.starts_with('-') {
                all = letters == "-";
                let name = word.split('=').next().unwrap_or(word);
                options.given.extend((!all).then(|| name.to_owned()));
                continue;
            }
            for (at, letter) in letters.char_indices() {
                options.given.push(format!("-{letter}"));
                if with_value.contains(letter) {
                    skip = at + letter.len_utf8() == letters.len();
                    break;
                }
            }
        }
        options
    }

    /// Whether one of these, parted by blanks, is given.
    fn any(&self, wanted: &str) -> bool {
        let is_wanted = |option: &String| wanted.split_whitespace().any(|one| one == option);
        self.given.iter().any(is_wanted)
    }

    /// Whether one of these is given, a long one perhaps by its beginning, as `getopt_long` allows.
    fn any_begun(&self, wanted: &str) -> bool {
        self.given.iter().any(|option| {
            let is_begun = option.len() > 2 && option.starts_with("--");
            wanted
                .split_whitespace()
                .any(|one| one == option || is_begun && one.starts_with(option.as_str()))
        })
    }

    /// Whether none but these are given.
    fn only(&self, wanted: &str) -> bool {
        let is_wanted = |option: &String| wanted.split_whitespace().any(|one| one == option);
        self.given.iter().all(is_wanted)
    }
}
