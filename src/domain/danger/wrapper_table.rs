//! The table of programs that run what they are given.

use std::collections::HashMap;
use std::sync::OnceLock;

/// How a program is given what it runs.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// Words behind its own are the command's.
    Words,
    /// They are put together to one script.
    Script,
}

/// A program that runs its arguments.
pub(super) struct Wrapper {
    pub(super) names: &'static str,
    /// Words before the command: a verb, or as many words as there are dots.
    pub(super) before: &'static str,
    /// Options that take the next word.
    pub(super) values: &'static str,
    /// Options whose value is a script.
    pub(super) scripts: &'static str,
    pub(super) how: How,
}

const fn wrapper(
    names: &'static str,
    before: &'static str,
    values: &'static str,
    scripts: &'static str,
    how: How,
) -> Wrapper {
    Wrapper {
        names,
        before,
        values,
        scripts,
        how,
    }
}

use How::{Script, Words};

// One row a line.
#[rustfmt::skip]
pub(super) const WRAPPERS: &[Wrapper] = &[
    wrapper("sudo doas pkexec run0 gosu su-exec sudo-rs", "", "-u -g -h -p -C -D -R -T -U -r -t --user --group --host --prompt --chdir --chroot --role --type --close-from", "", Words),
    wrapper("su runuser", "", "-u -g -G -s -w --user --group --shell", "-c --command --session-command", Words),
    wrapper("env", "", "-u -C --unset --chdir --block-signal --default-signal", "-S --split-string", Words),
    wrapper("nohup setsid builtin caffeinate time gtime unbuffer rlwrap ccache distcc sccache eatmydata fakeroot torsocks torify proxychains proxychains4 tsocks chronic dbus-run-session xvfb-run systemd-inhibit catchsegv winpty cgexec numactl prlimit softlimit setarch linux32 linux64 choom eval-and-run sg newgrp aa-exec setuidgid envdir envuidgid tini dumb-init catatonit op-run", "", "-a -t -w -f -o -s -n -c -g --what --why --mode --who -m -N -C -p -e -l", "", Words),
    wrapper("command exec", "", "-a", "", Words),
    wrapper("nice", "", "-n --adjustment", "", Words),
    wrapper("ionice", "", "-c -n -p -P -u --class --classdata", "", Words),
    wrapper("stdbuf", "", "-i -o -e --input --output --error", "", Words),
    wrapper("timeout gtimeout", ".", "-s -k --signal --kill-after", "", Words),
    wrapper("chrt taskset", ".", "-T -P -D", "", Words),
    wrapper("chroot", ".", "--userspec --groups", "", Words),
    wrapper("arch-chroot systemd-nspawn", ".", "-D -M -u", "", Words),
    wrapper("flock", ".", "-w -E --timeout --conflict-exit-code", "-c --command", Words),
    wrapper("busybox toybox", "", "", "", Words),
    wrapper("strace ltrace", "", "-e -o -p -s -u -a -b -E -I -O -S -P -X -n -l -A -x", "", Words),
    wrapper("perf", "record|stat|trace|mem", "-e -o -p -t -C -F -c -g --call-graph", "", Words),
    wrapper("valgrind heaptrack gdbserver apitrace", "", "-o", "", Words),
    wrapper("script", "", "-T -E -I -O -B -m -o", "-c --command", Words),
    wrapper("unshare nsenter", "", "-t -S -G -R -w -W --setuid --setgid --root --wd --target -l", "", Words),
    wrapper("bwrap", "", "--bind --ro-bind --dev-bind --symlink --setenv --bind-try --ro-bind-try --dev-bind-try", "", Words),
    wrapper("ip", "netns exec .", "", "", Words),
    wrapper("firejail", "", "", "", Words),
    wrapper("capsh", "", "", "-c", Words),
    wrapper("setpriv", "", "--reuid --regid --groups --inh-caps", "", Words),
    wrapper("systemd-run", "", "-p -u -E -M -H -d -t --unit --property --setenv --uid --gid --slice --description --on-active --on-calendar --working-directory", "", Words),
    wrapper("start-stop-daemon", "", "-p -u -n -d -c -x -a -R -k --pidfile --user --name --chdir --chuid --exec --startas", "", Words),
    wrapper("daemonize", "", "-p -l -o -e -u -c -E", "", Words),
    wrapper("xargs gxargs", "", "-I -n -P -L -d -a -s -E --replace --max-args --max-procs --delimiter --arg-file", "", Words),
    wrapper("parallel sem rush", "", "-I -n -P -L -d -a -j -N -S --jobs --colsep --joblog --results --arg-file --delay --sshlogin", "", Script),
    wrapper("watch viddy hwatch", "", "-n --interval", "", Script),
    wrapper("entr", "", "", "", Words),
    wrapper("watchexec", "", "-w -e -f -i --watch --exts --filter -d", "", Script),
    wrapper("nodemon", "", "-e -w --ext --watch --ignore -i", "-x --exec", Words),
    wrapper("hyperfine", "", "-w -m -M -r -n -L -P --warmup --runs --min-runs --export-json --export-markdown", "-p -s -c --prepare --setup --cleanup", Script),
    wrapper("concurrently npm-run-all run-p run-s", "", "-n -c --names", "", Script),
    wrapper("ssh autossh mosh sshpass dbclient", ".", "-p -i -l -o -F -J -L -R -D -b -c -E -e -I -m -O -Q -S -W -w -B", "", Script),
    wrapper("pdsh pssh parallel-ssh clush dsh mussh", "", "-w -h -H -l -g -f -t -p -x -o -e -A", "", Script),
    wrapper("adb", "shell", "-s -t -H -P", "", Script),
    wrapper("vagrant", "ssh", "", "-c --command", Words),
    wrapper("gcloud", "compute ssh .", "--zone --project", "--command", Words),
    wrapper("az", "vm run-command .", "-g -n --name --resource-group --command-id", "--scripts", Words),
    wrapper("heroku fly flyctl railway", "run|ssh", "-a --app -s --size", "-C --command", Script),
    wrapper("docker podman nerdctl", "container exec .", "-u -w -e --user --workdir --env --env-file", "", Words),
    wrapper("docker podman nerdctl", "exec .", "-u -w -e --user --workdir --env --env-file -H --context --host --detach-keys", "", Words),
    wrapper("docker podman nerdctl", "run|create .", "-v -e -p -w -u --name --network --volume --env --workdir --user --entrypoint -h --hostname -m --memory --mount --cpus --label -l --add-host --platform --publish --env-file --tmpfs --gpus --pid --ipc --shm-size --restart --cap-add --cap-drop --security-opt --device --ulimit --link --dns", "", Words),
    wrapper("docker podman nerdctl", "compose exec|run .", "-u -w -e -f -p --user --workdir --env --file --project-name --name --index", "", Words),
    wrapper("docker-compose podman-compose", "exec|run .", "-u -w -e -f -p --user --workdir --env --file --index --name", "", Words),
    wrapper("kubectl oc k", "exec|debug|run .", "-n -c --namespace --container --context --kubeconfig --image --cluster -l --selector -f --filename --target", "", Words),
    wrapper("lxc incus limactl multipass machinectl toolbox distrobox", "exec|shell|enter|run .", "-n -u --user --cwd --env --workdir", "", Words),
    wrapper("lima wsl flatpak-spawn", "", "-d -u --distribution --user --cd --directory", "", Words),
    wrapper("npx bunx pnpx uvx pipx dlx", "", "-p --package --from --with --python -w", "-c --call", Words),
    wrapper("npm pnpm yarn bun", "exec|dlx|x", "-p --package -w --workspace --filter -C --prefix", "-c --call", Words),
    wrapper("bundle", "exec", "", "", Words),
    wrapper("poetry pipenv uv rye hatch pdm conda mamba micromamba pixi nix rbenv pyenv rvm mise asdf devbox direnv dotenvx doppler infisical op aws-vault chamber envconsul sops", "run|exec|x|env|-c", "-n --name -p --prefix --python --with --project -C --directory --extra --group -e --env --config --profile", "--command -c", Words),
    wrapper("nix-shell", "", "-p -A -I", "--run --command", Words),
    wrapper("dotenv dotenv-cli cross-env env-cmd", "", "-e -f -c", "", Words),
    wrapper("tsx-watch", "", "", "", Words),
    wrapper("cargo", "watch", "-w -i -d", "-s --shell -x --exec", Words),
    wrapper("expect", "", "", "-c", Words),
    wrapper("at batch", "", "-f -t -q", "", Words),
    wrapper("screen", "", "-S -c -e -h -p -s -t -T -Logfile -r -x -R -X", "", Words),
    wrapper("dtach abduco", "", "-n -c -A -a -N -e -r -E -z", "", Words),
    wrapper("zellij", "run|action|edit", "-d --direction --cwd -n --name", "", Words),
    wrapper("podman buildah", "unshare", "", "", Words),
    wrapper("toolbox", "run", "-c --container -d --distro -r --release", "", Words),
    wrapper("direnv", "exec .", "", "", Words),
    wrapper("nix", "develop|shell", "", "-c --command", Words),
    wrapper("cpulimit", "", "-l -p -e", "", Words),
    wrapper("npm pnpm", "explore .", "", "", Words),
    wrapper("pm2 forever", "start", "-n --name -i --interpreter --log -o -e", "", Script),
    wrapper("reflex modd chokidar", "", "-r -R -g -G -s -d", "", Words),
    wrapper("trap-run make-run", "", "", "", Words),
];

/// The rows of a program.
pub(super) fn known(program: &str) -> &'static [&'static Wrapper] {
    static INDEX: OnceLock<HashMap<&'static str, Vec<&'static Wrapper>>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let mut index: HashMap<&str, Vec<&Wrapper>> = HashMap::new();
        for wrapper in WRAPPERS {
            for name in wrapper.names.split(' ') {
                index.entry(name).or_default().push(wrapper);
            }
        }
        index
    });
    index.get(program).map_or(&[], Vec::as_slice)
}
