//! Completions for bash, zsh and fish: clap's, and in them the names of accounts, which the tool itself is asked for.

use clap::Command;
use clap_complete::Shell;
use impp::cli::complete::QUESTION;
use impp::cli::exit::{Exit, Failure, Outcome};

/// The scripts of a program with the names of their files.
pub(super) fn of(mut definition: Command) -> Outcome<Vec<(String, String)>> {
    let name = definition.get_name().to_owned();
    let has_accounts = definition.get_arguments().any(|arg| arg.get_id() == "account");
    let mut scripts = Vec::new();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut out = Vec::new();
        clap_complete::generate(shell, &mut definition, &name, &mut out);
        let script = String::from_utf8_lossy(&out).into_owned();
        // In bash the library names a command in two ways if the program's name has a hyphen.
        let script = script.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__"));
        let script = if has_accounts { with_accounts(shell, &name, &script)? } else { script };
        let file = match shell {
            Shell::Bash => format!("{name}.bash"),
            Shell::Zsh => format!("_{name}"),
            _ => format!("{name}.fish"),
        };
        scripts.push((file, script));
    }
    Ok(scripts)
}

/// The script with its answer for `-a` replaced: the library has no stable way to say it.
fn with_accounts(shell: Shell, name: &str, script: &str) -> Outcome<String> {
    let told = match shell {
        Shell::Bash => bash(script),
        Shell::Zsh => zsh(name, script),
        _ => fish(name, script),
    };
    // What was not found would be a script that silently completes less than it should.
    told.ok_or_else(|| Failure::new(Exit::Internal, format!("the completions of {name} for {shell} do not look as expected")))
}

/// Files are what the library offers for a value that it knows nothing of.
fn bash(script: &str) -> Option<String> {
    let files = "COMPREPLY=($(compgen -f \"${cur}\"))";
    let names = format!(
        "local IFS=$'\\n'\n{AT}    COMPREPLY=($(compgen -W \"$(\"$1\" {QUESTION} \"${{COMP_WORDS[@]:1}}\" 2>/dev/null)\" -- \"${{cur}}\"))"
    );
    let arm = |option: &str, answer: &str| format!("{AT}{option})\n{AT}    {answer}\n");
    ["--account", "-a"].iter().try_fold(script.to_owned(), |script, option| {
        let from = arm(option, files);
        script.contains(&from).then(|| script.replace(&from, &arm(option, &names)))
    })
}

/// Where the arms of the script stand.
const AT: &str = "                ";

fn zsh(name: &str, script: &str) -> Option<String> {
    let function = format!(
        "_{name}_accounts() {{\n    local -a names\n    \
         names=(${{(f)\"$(_call_program accounts ${{(q)words[1]}} {QUESTION} ${{(q)words[2,-1]}} 2>/dev/null)\"}})\n    \
         compadd \"$@\" -a names\n}}\n\n"
    );
    let is_account = |line: &str| line.starts_with("'-a+[") || line.starts_with("'--account=[");
    let of_account = |line: &str| match is_account(line) {
        true => line.replace(":NAME:_default'", &format!(":NAME:_{name}_accounts'")),
        false => line.to_owned(),
    };
    let lines: Vec<String> = script.lines().map(of_account).collect();
    let begin = format!("_{name}() {{");
    let at = lines.iter().position(|line| *line == begin)?;
    let (head, body) = lines.split_at(at);
    let all_told = body.iter().filter(|line| is_account(line)).all(|line| line.contains("_accounts'"));
    all_told.then(|| format!("{}\n{function}{}\n", head.join("\n"), body.join("\n")))
}

/// One line for the tool and all its commands: before a command the library's own condition does not hold while `-a` has no value yet.
fn fish(name: &str, script: &str) -> Option<String> {
    let (of_account, others): (Vec<&str>, Vec<&str>) = script.lines().partition(|line| line.contains(ACCOUNT));
    let (_, rest) = of_account.first()?.split_once(ACCOUNT)?;
    let names = format!("(set -l line (commandline -opc); command $line[1] {QUESTION} $line[2..] 2>/dev/null)");
    Some(format!("{}\ncomplete -c {name}{ACCOUNT}{rest} -f -a '{names}'\n", others.join("\n")))
}

/// The option as a fish script has it.
const ACCOUNT: &str = " -s a -l account ";
