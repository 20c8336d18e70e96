"""Every duration of the modem package."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sim7020_bridge.modem.recovery import DAY, DEFAULT_BUDGETS, PORT_PATIENCE, Budget, RecoveryStep


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in seconds; the tests shrink them, users don't see them.

    Args:
        probe_every: How long one AT waits for its OK while the module may still be booting.
        stranger_every: The same where something talked before that is no module.
        probe_within: How long the module may stay silent before the port is opened afresh.
        sim_poll: Between two readings of the SIM while it is not ready.
        sim_patience: For the SIM to become ready after the radio was switched on.
        registration_poll: Between two readings of signal and registration, should no URC come.
        registration_patience: For the network to register the module; NB-IoT takes minutes in bad coverage.
        spared_patience: The same while a data session is open that is billed by itself, which attaching would end.
        idle_patience: For a module that has a signal and neither is registered nor searches: the network detached it.
        pdn_poll: Between two readings of the PDN context, should no URC come.
        pdn_patience: For the context to come up by itself after registration.
        locked_check: Between two looks at a SIM that waits for a person.
        sleep_check: Between two questions to a module in PSM, should its wake have been missed; sooner at first.
        window_check: The same for one that wakes without a word, for a paging window: a short one is 2.56 s.
        wake_within: For a module that gave a sign of life to answer.
        greeting_wait: For a module that was told to reboot to greet; one with automatic baud rate never does.
        radio_off: Between radio off and on when attaching starts over (TCP/IP note section 4).
        refresh_every: Between two readings of signal, cell and supply while all is well.
        look_spacing: Between two readings of what reports say has changed.
        loss_spacing: A loss of the context that is reported again this soon is asked for, not believed.
        context_stable: A context that is lost within this time is activated again after growing waits.
        context_of_use: The same for one that something went over.
        held_last: For a modem to be online until it is told no more that it has used up its attach attempts.
        error_code_wait: For the +CSOERR that names the cause after +CSOCON was refused (manual V1.05, +CSOCON).
        time_within: For a time server's answer.
        resolve_within: For a name to be resolved (reference: 60 s from the OK).
        ping_grace: For a ping's last reply beyond its own timeout.
        report_pause: From a report of an acknowledgement to the question how much is acknowledged: more may follow.
        report_within: For such a report to come before the question is asked all the same; it may have been lost.
        acknowledged_within: For a TCP peer to acknowledge something while the modem is online, before its connection is
            given up; doubled for each connection in a row that was.
        acknowledged_last: Longest such wait.
        unheard_within: For anything to come over a TCP connection that is sent over, where the module is only guessed
            to tell no acknowledgements, before it is opened anew and they are waited for once more: the guess may be
            wrong, and the connection dead. Long enough that the bytes do not matter; doubled for each time in vain.
        unheard_last: Longest such wait.
        socket_idle: For a TCP socket under PSM to be closed once all is acknowledged and nothing comes.
        socket_first: Before a socket that failed is opened again; doubled for each further failure.
        socket_last: Longest such wait.
        socket_stable: A socket that stayed open this long starts again with the first wait.
        refused_patience: For a module that refuses its sockets before that counts as trouble of its own.
        hasty_last: Longest wait before a port is opened again that goes away each time before the module answers.
        restart_spacing: A module that restarts again this soon is dealt with as one that does not answer.
        restart_peace: A module that does not restart for this long after one is well again.
        restart_soon: A restart this soon after the module first transmitted was provoked by that.
        restart_last: Longest wait before the port of a module is opened again that restarts again and again.
        port_patience: For a port that is missing to come back before the power hook is used.
        day: The time within which the ceiling of attach attempts holds.
        budgets: Of the recovery steps.
    """

    probe_every: float = 0.5
    stranger_every: float = 5.0
    probe_within: float = 20.0
    sim_poll: float = 2.0
    sim_patience: float = 30.0
    registration_poll: float = 5.0
    registration_patience: float = 300.0
    spared_patience: float = 900.0
    idle_patience: float = 10.0
    pdn_poll: float = 5.0
    pdn_patience: float = 30.0
    locked_check: float = 60.0
    sleep_check: float = 600.0
    window_check: float = 2.0
    wake_within: float = 3.0
    greeting_wait: float = 10.0
    radio_off: float = 5.0
    refresh_every: float = 300.0
    look_spacing: float = 1.0
    loss_spacing: float = 60.0
    context_stable: float = 60.0
    context_of_use: float = 10.0
    held_last: float = 1800.0
    error_code_wait: float = 0.5
    time_within: float = 60.0
    resolve_within: float = 60.0
    ping_grace: float = 2.0
    report_pause: float = 0.2
    report_within: float = 30.0
    acknowledged_within: float = 900.0
    acknowledged_last: float = 3600.0
    unheard_within: float = 3600.0
    unheard_last: float = DAY
    socket_idle: float = 10.0
    socket_first: float = 0.25
    socket_last: float = 300.0
    socket_stable: float = 60.0
    refused_patience: float = 300.0
    hasty_last: float = 30.0
    restart_spacing: float = 30.0
    restart_peace: float = 120.0
    restart_soon: float = 30.0
    restart_last: float = 1800.0
    port_patience: float = PORT_PATIENCE
    day: float = DAY
    budgets: Mapping[RecoveryStep, Budget] = field(default_factory=lambda: DEFAULT_BUDGETS)
