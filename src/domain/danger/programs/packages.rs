//! Packages: what is downloaded and run at once, and where packages come from.

use super::super::reason::{DOWNLOADED, FROM_NETWORK, HIJACKS};
use super::super::run::Run;
use super::Call;

/// Tools that developers usually run without installing them.
const USUAL: &str = "tsc typescript eslint prettier jest vitest mocha ava tap c8 nyc playwright cypress tsx ts-node vite webpack \
    webpack-cli rollup esbuild parcel next nuxt astro svelte-kit svelte-check turbo nx lerna changeset prisma drizzle-kit \
    tailwindcss postcss stylelint husky lint-staged commitlint biome oxlint rimraf cross-env concurrently nodemon \
    http-server serve json-server degit npm-check-updates ncu depcheck madge knip typedoc storybook sb ng vue-tsc \
    vue-cli-service expo react-native eas-cli firebase firebase-tools vercel netlify netlify-cli wrangler supabase \
    sequelize-cli knex typeorm graphql-codegen openapi-typescript swagger-cli markdownlint markdownlint-cli \
    markdownlint-cli2 cspell sort-package-json license-checker live-server gulp grunt babel swc rspack del-cli cowsay \
    npm-run-all publint attw size-limit syncpack npkill semver zx pnpm yarn npm corepack node-gyp electron \
    electron-builder tauri cap ionic cdk sst serverless sls pm2 lighthouse lhci newman redocly spectral ajv \
    react-app vite-app next-app astro-app svelte solid t3-app remix hono expo-app tauri-app electron-app mermaid mmdc \
    ruff black mypy pytest flake8 isort pylint pyright basedpyright ty bandit pre-commit poetry pdm hatch tox nox \
    cookiecutter copier mkdocs sphinx-build ipython jupyter jupyter-lab httpie yt-dlp twine build pip-audit uv vulture \
    codespell yamllint djlint sqlfluff ansible pycowsay pip-tools virtualenv interrogate deptry refurb pyupgrade \
    ansible-lint semgrep zizmor rich-cli maturin cibuildwheel asv coverage scalene py-spy memray towncrier bump-my-version \
    python python3 git-cliff commitizen cz django-admin alembic uvicorn gunicorn fastapi streamlit datasette";

/// Publishers whose packages developers usually run, as they begin.
const USUAL_SCOPES: [&str; 21] = [
    "@angular/",
    "@babel/",
    "@biomejs/",
    "@changesets/",
    "@commitlint/",
    "@graphql-codegen/",
    "@anthropic-ai/",
    "@modelcontextprotocol/",
    "@microsoft/",
    "@nestjs/",
    "@playwright/",
    "@redocly/",
    "@storybook/",
    "@sveltejs/",
    "@tailwindcss/",
    "@tauri-apps/",
    "@typescript-eslint/",
    "@vue/",
    "@vitejs/",
    "@google/",
    "@yarnpkg/",
];

/// Places of Go programs that developers usually run, as they begin.
const USUAL_MODULES: [&str; 10] = [
    "golang.org/x/",
    "google.golang.org/",
    "honnef.co/go/tools/",
    "mvdan.cc/gofumpt",
    "github.com/golangci/",
    "github.com/a-h/templ",
    "github.com/sqlc-dev/",
    "github.com/onsi/ginkgo",
    "github.com/golang/",
    "go.uber.org/",
];

pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    if runs_download(call) || installs_address(call) {
        run.found.unclear(DOWNLOADED, call.whole);
    }
    if call.is("pip pip3 pipx uv npm pnpm yarn bun gem")
        && call.words().any(is_install)
        && (call.has("--trusted-host") || call.words().any(is_plain_address))
    {
        run.found.add(FROM_NETWORK, call.whole);
    }
    sources(run, call);
}

fn is_install(word: &str) -> bool {
    matches!(word, "install" | "i" | "add" | "sync" | "inject")
}

/// Whether a program is downloaded, if need be, and run.
fn runs_download(call: &Call<'_>) -> bool {
    let words: Vec<&str> = call.words().collect();
    let verbs: Vec<&str> = words
        .iter()
        .filter(|word| !word.starts_with('-'))
        .copied()
        .collect();
    let is_address = |word: &str| {
        word.contains("://")
            || word.starts_with("git+")
            || word.starts_with("github:")
            || word.starts_with("gh:")
    };
    // Of runners: the packages that they are told to bring, or the program itself.
    let unusual = |name: &str| !is_usual(name);
    let brought = |options: &str| call.values(options);
    match call.name {
        "npx" | "pnpx" => {
            let package = first_word(&words, "-p --package -c --call -w --workspace");
            let packages = brought("-p --package");
            let is_sure = call.has("-y --yes");
            let downloads =
                |name: &str| is_address(name) || unusual(name) && (is_sure || has_version(name));
            packages.iter().any(|name| downloads(name))
                || (packages.is_empty() && package.is_some_and(downloads))
        }
        "bunx" | "uvx" => {
            let packages = brought("--from -p --package");
            let name = first_word(
                &words,
                "--from --with -p --package --python --index --index-url",
            );
            packages.iter().any(|name| unusual(name))
                || packages.is_empty() && name.is_some_and(unusual)
        }
        "npm" | "pnpm" | "yarn" | "bun" | "uv" | "pipx" | "deno" => {
            let (verb, rest) = match (call.name, verbs.as_slice()) {
                ("uv", ["tool", "run", rest @ ..]) => ("x", rest),
                ("npm", ["exec" | "x", rest @ ..]) if call.has("-y --yes") => ("x", rest),
                ("pnpm" | "yarn" | "bun", ["dlx" | "x", rest @ ..])
                    if call.name != "pnpm" || verbs.first() == Some(&"dlx") =>
                {
                    ("x", rest)
                }
                ("npm" | "pnpm" | "yarn" | "bun", ["create" | "init", rest @ ..]) => {
                    ("create", rest)
                }
                ("pipx", ["run", rest @ ..]) => ("x", rest),
                ("uv", ["run", ..]) => {
                    return brought("--with --with-editable")
                        .iter()
                        .any(|name| is_address(name))
                        || verbs.get(1).is_some_and(|name| is_address(name));
                }
                ("deno", ["run" | "install", rest @ ..]) => {
                    return rest.first().is_some_and(|name| {
                        name.starts_with("npm:") && unusual(&name[4..]) || name.starts_with("jsr:")
                    });
                }
                _ => return false,
            };
            let first = rest.first().copied();
            match verb {
                "create" => first.is_some_and(|name| {
                    let bare = name.trim_start_matches("create-");
                    unusual(bare) && !name.starts_with('.')
                }),
                _ => {
                    let packages = brought("--spec -p --package --from");
                    packages.iter().any(|name| unusual(name))
                        || packages.is_empty() && first.is_some_and(unusual)
                }
            }
        }
        "go" => {
            let rest = verbs
                .iter()
                .position(|word| *word == "run")
                .and_then(|at| verbs.get(at + 1));
            rest.is_some_and(|name| {
                let host = name.split('/').next().unwrap_or_default();
                let is_remote =
                    !name.starts_with(['.', '/']) && host.contains('.') && name.contains('/');
                is_remote && !USUAL_MODULES.iter().any(|known| name.starts_with(known))
            })
        }
        "kubectl" | "oc" | "k" => {
            verbs
                .iter()
                .any(|word| matches!(*word, "apply" | "create" | "replace"))
                && brought("-f --filename -k --kustomize")
                    .iter()
                    .any(|path| path.contains("://"))
        }
        "ansible-pull" => !call.has("--check -C"),
        "nix" => {
            matches!(verbs.as_slice(), ["run" | "shell" | "develop", ..])
                && verbs.iter().skip(1).any(|name| {
                    is_address(name)
                        && !name.starts_with("github:NixOS/")
                        && !name.starts_with("github:nixos/")
                })
        }
        "code" | "code-insiders" | "cursor" | "codium" => call.has("--install-extension"),
        _ => false,
    }
}

/// Whether something is installed from an address, whose own scripts then run.
fn installs_address(call: &Call<'_>) -> bool {
    if !call
        .is("pip pip3 pipx uv poetry pdm npm pnpm yarn bun cargo gem dnf yum rpm zypper apk brew")
    {
        return false;
    }
    let words: Vec<&str> = call.words().collect();
    let is_rpm = call.name == "rpm" && call.has("-i -U -F --install --upgrade");
    if !words.iter().any(|word| is_install(word)) && !is_rpm {
        return false;
    }
    if call.name == "cargo" {
        return !call.values("--git").is_empty();
    }
    let mut before = "";
    words.iter().any(|word| {
        let is_option =
            before.starts_with("--") || matches!(before, "-i" | "-f" | "-c" | "-r") && !is_rpm;
        let is_value = is_option
            && before.len() > 1
            && !matches!(
                before,
                "--save-dev"
                    | "--dev"
                    | "--global"
                    | "--upgrade"
                    | "--user"
                    | "--force-reinstall"
                    | "--no-deps"
            );
        before = word;
        let is_js = call.is("npm pnpm yarn bun");
        let address = word.split_once(" @ ").map_or(*word, |(_, address)| address);
        let by_scheme = [
            "git+",
            "git:",
            "http://",
            "https://",
            "ssh://",
            "github:",
            "gitlab:",
            "bitbucket:",
            "gist:",
        ]
        .iter()
        .any(|scheme| address.starts_with(scheme));
        // `owner/name` is a repository on GitHub.
        let by_name = is_js
            && !word.starts_with(['-', '@', '.', '/', '~'])
            && word.matches('/').count() == 1
            && !word.contains(':')
            && !word.starts_with('$');
        !word.starts_with('-') && !is_value && (by_scheme || by_name)
    })
}

/// Settings that say where packages come from, or what runs their scripts.
fn sources(run: &mut Run<'_>, call: &Call<'_>) {
    let words: Vec<&str> = call.words().filter(|word| !word.starts_with('-')).collect();
    let (name, value) = match words.as_slice() {
        ["config", "set", setting] => match setting.split_once('=') {
            Some((name, value)) => (name, value),
            None => return,
        },
        ["config", "set", name, value, ..] => (*name, *value),
        _ => return,
    };
    let lower = name.to_ascii_lowercase();
    let variable = match call.name {
        "npm" | "pnpm" | "yarn" | "bun" if lower.ends_with("script-shell") => {
            "npm_config_script_shell"
        }
        "npm" | "pnpm" | "yarn" | "bun"
            if lower.ends_with("registry") || lower == "npmregistryserver" =>
        {
            "npm_config_registry"
        }
        "yarn" if lower == "yarnpath" => {
            run.found.add(HIJACKS, call.whole);
            return;
        }
        "pip" | "pip3" if lower.ends_with("index-url") => "PIP_INDEX_URL",
        _ => return,
    };
    run.environment(variable, value);
}

/// The first word that is no option and no value of one of these.
fn first_word<'w>(words: &[&'w str], values: &str) -> Option<&'w str> {
    let mut skip = false;
    words.iter().copied().find(|word| {
        if std::mem::take(&mut skip) {
            return false;
        }
        skip = values.split(' ').any(|value| value == *word);
        !word.starts_with('-')
    })
}

fn has_version(name: &str) -> bool {
    name.get(1..).is_some_and(|rest| rest.contains('@'))
}

/// Whether developers usually run it without installing it.
fn is_usual(package: &str) -> bool {
    let end = package
        .get(1..)
        .and_then(|rest| rest.find(['@', '=', '<', '>', '[', '~', '!']))
        .map_or(package.len(), |at| at + 1);
    let name = &package[..end];
    let name_bare = name.strip_prefix("create-").unwrap_or(name);
    package.starts_with(['.', '/', '$'])
        || USUAL
            .split_whitespace()
            .any(|known| known == name || known == name_bare)
        || USUAL_SCOPES.iter().any(|scope| name.starts_with(scope))
}

/// An address that anybody on the way could answer for, and not this machine's.
fn is_plain_address(word: &str) -> bool {
    let value = word.split_once('=').map_or(word, |(_, value)| value);
    value.strip_prefix("http://").is_some_and(|rest| {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        !matches!(host, "localhost" | "127.0.0.1" | "[" | "0.0.0.0")
    })
}
