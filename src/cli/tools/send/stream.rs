//! `--lines` and `--ndjson`: a message per line, over one session that is made anew when it breaks.

use super::args::SendArgs;
use super::compose::{Composer, Outgoing};
use super::deliver::Delivering;
use super::input::{self, Tee};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::run::Stop;
use crate::cli::session::{Ask, Open};
use crate::model::Address;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

/// No line is longer: a stream without line feeds must not fill the memory.
const LONGEST: u64 = 64 << 20;
/// A stream outlives a restart of the server, also where `--retry` says nothing.
const RETRIES: u32 = 10;

/// Sends what comes until standard input ends. A line that fails does not end the others.
pub(super) async fn send(args: &SendArgs, composer: &Composer<'_>, open: &Open<'_>, stop: &Stop, out: &Printer) -> Outcome<Exit> {
    let patient = open.clone().retries(RETRIES);
    patient
        .with(stop, Ask::Long, async |session| {
            let mut lines = BufReader::new(tokio::io::stdin());
            let mut tee = Tee::new(args.tee, out);
            let mut exits = Vec::new();
            let mut number = 0;
            loop {
                let mut line = Vec::new();
                let read = (&mut lines).take(LONGEST).read_until(b'\n', &mut line).await;
                if read.map_err(|error| Failure::reading("standard input".as_ref(), &error))? == 0 {
                    return Ok(Exit::combine(&exits));
                }
                if line.len() as u64 == LONGEST && !line.ends_with(b"\n") {
                    return Err(Failure::new(Exit::Data, "cannot send a line of more than 64M"));
                }
                tee.copy(&line);
                number += 1;
                let exit = match compose(args, composer, session.me()?, trim(&line), number) {
                    Ok(Some(message)) => Delivering::new(args, session, out).deliver(&message).await?,
                    Ok(None) => continue,
                    Err(failure) => {
                        out.failure(&failure);
                        failure.exit
                    }
                };
                // A stream may be endless: only which statuses there were is kept.
                if !exits.contains(&exit) {
                    exits.push(exit);
                }
            }
        })
        .await
}

/// The message of one line.
pub(super) fn compose(
    args: &SendArgs,
    composer: &Composer<'_>,
    me: &Address,
    line: &[u8],
    number: u64,
) -> Outcome<Option<Outgoing>> {
    if !args.ndjson {
        return composer.plain(me, line.to_vec());
    }
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(line).map_err(|_| Failure::new(Exit::Data, format!("line {number}: not UTF-8")))?;
    composer.json(me, &input::json_line(text, number)?)
}

fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
