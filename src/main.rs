use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if let (Some(command), Some(container)) = (arguments.next(), arguments.next())
        && command == bgd::probe::helper::COMMAND
    {
        return bgd::probe::helper::main(&container);
    }
    ExitCode::SUCCESS
}
