"""The rules of the gate a second time, written in Cedar from the rules themselves and evaluated by its own engine.

Cedar has no loops, so facts lie in numbered slots of the context and a policy is written for each slot. A permit for
each fact that may open a category, with all that closes it as its exceptions; a forbid for whatever blocks. Nothing of
``consent`` is imported but the facts themselves.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import product
from typing import Any, Final

import cedarpy

from consent.facts import ConsentFlow, Facts, Request, Statement
from contracts.identity import Category as C

SLOTS: Final = {"s": 4, "p": 2, "g": 2, "a": 2, "i": 4, "e": 1, "b": 1, "o": 2, "r": 1, "h": 1}
_EVER, _EPOCH = 2**40, datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_SPECIAL = '["gezondheid", "justitie", "overig-bijzonder"]'
_NOT_ORDINARY = '["gezondheid", "justitie", "overig-bijzonder", "bsn", "medewerker"]'
_PUBLIC = '["AVG-6-1-c", "AVG-6-1-e"]'
#: The flow of the question, as a stop names it: by itself, or with all others of its sender.
THIS: Final = (
    "{sender: context.sender, receiver: context.receiver, purpose: context.purpose}",
    '{sender: context.sender, receiver: "", purpose: ""}',
)
#: Categories that say something of the person.
OF_PERSON: Final = frozenset(C) - {C.BSN, C.MEDEWERKER}


def slots(letter: str) -> list[str]:
    return [f"context.{letter}{n}" for n in range(SLOTS[letter])]


def there(slot: str) -> str:
    return f"context has {slot.removeprefix('context.')}"


def either(terms: Iterable[str]) -> str:
    return "(" + " || ".join(terms) + ")"


def valid(slot: str) -> str:
    return f"{slot}.from <= context.at && context.at < {slot}.until"


def concerns(slot: str) -> str:
    named = f"({slot}.anyReceiver || {slot}.receivers.contains(context.receiver))"
    purpose = f'({slot}.purpose == "" || {slot}.purpose == context.purpose)'
    return f"{slot}.senders.contains(context.sender) && {named} && {purpose}"


def in_scope(slot: str) -> str:
    """A `nee` or what was withdrawn: a scope that is left out means all."""
    ends = f"({slot}.anySender || {slot}.senders.contains(context.sender))"
    others = f"({slot}.anyReceiver || {slot}.receivers.contains(context.receiver))"
    return f"{ends} && {others} && ({slot}.anyPurpose || {slot}.purposes.contains(context.purpose))"


def of_category(slot: str) -> str:
    return f"({slot}.anyCategory || {slot}.categories.contains(context.category))"


def covering(slot: str) -> str:
    """An agreement in force for kind and doel."""
    pair = f"{slot}.parties == [context.sender, context.receiver]"
    live = f"{valid(slot)} && context.at < {slot}.ended && {slot}.accepted <= context.at"
    return (
        f"({there(slot)} && {pair} && {live} && {slot}.kinds.contains(context.kind)"
        f" && {slot}.purposes.contains(context.purpose))"
    )


def lasts(slot: str) -> str:
    """What was accepted before the end of a traject still goes; nothing new opens or ends in it."""
    before = f"(!context.opens && {slot}.closing && context.accepted <= {slot}.closedAt)"
    anew = f"({slot}.closing && (context.opens || context.closes))"
    return f"{slot}.from <= context.at && ({before} || (!{anew} && context.at < {slot}.until))"


def live(slot: str, end: str) -> str:
    ending = f"({slot}.trajectory == context.trajectory && context.leaders.contains(context.sender))"
    own = f"{there(slot)} && {slot}.organisation == context.{end} && {lasts(slot)}"
    return f"{own} && (!context.closes || {ending})"


def presenting(slot: str) -> str:
    return f"{live(slot, 'sender')} && !{slot}.awaited && {slot}.trajectory == context.trajectory"


def common(law: str) -> str:
    """Some traject in which both take part, under a law for which ``law`` holds (``LAW``: the slot)."""
    both = (
        f"({live(mine, 'sender')} && !{mine}.awaited && {live(theirs, 'receiver')}"
        f" && {mine}.trajectory == {theirs}.trajectory && {law.replace('LAW', mine)})"
        for mine, theirs in product(slots("i"), slots("i"))
        if mine != theirs
    )
    opening = (f"({presenting(mine)} && {law.replace('LAW', mine)})" for mine in slots("i"))
    return f"(if context.opens then {either(opening)} else {either(both)})"


def entitled(role: str, slot: str) -> str:
    by_law = f'context.{role} == "ontwikkelbedrijf" && ["Pwet", "Wsw"].contains({slot}.framework)'
    return f'(context.{role} == "gemeente" || ({by_law}))'


def released() -> str:
    found = either(
        f"({there(r)} && {r}.holder == context.sender && {r}.receiver == context.receiver && {valid(r)}"
        f" && {r}.subjects.containsAny(context.subjects))"
        for r in slots("r")
    )
    return f'(context.senderRole != "woonzorg" || {found})'


def flow() -> str:
    """Checks 1 to 4, 6 and 7."""
    taking = either(f"({live(i, 'sender')} && !{i}.awaited)" for i in slots("i"))
    receiving = either(f"({live(i, 'receiver')})" for i in slots("i"))
    opening = either(f"({presenting(i)})" for i in slots("i"))
    return f"""
permit(principal, action == Action::"flow", resource) when {{
  context.senderActive && context.receiverActive && context.mandate && context.push
  && (context.anyKind || context.mandateKinds.contains(context.kind))
  && context.flowSenders.contains(context.senderRole) && context.flowReceivers.contains(context.receiverRole)
  && context.flowPurposes.contains(context.purpose)
  && {either(covering(a) for a in slots("a"))}
  && (if context.opens then {opening} else ({taking} && {receiving}))
  && (!context.wantsBsn || ["gemeente", "ontwikkelbedrijf"].contains(context.senderRole))
  && context.log
}};"""


def lawful(slot: str) -> str:
    """A grondslag in force."""
    agreed = either(f"({covering(a)} && {a}.id == {slot}.agreement)" for a in slots("a"))
    named = either(
        f"({there(e)} && {e}.parties.containsAll([context.sender, context.receiver]) && {valid(e)})" for e in slots("e")
    )
    rests = (
        f"(if {_PUBLIC}.contains({slot}.basis) then {common(f'{slot}.frameworks.contains(LAW.framework)')}"
        f' else ({slot}.basis == "AVG-6-1-b" && {named}))'
    )
    both = f"{entitled('senderRole', 'LAW')} && {entitled('receiverRole', 'LAW')}"
    by_law = f"{_PUBLIC}.contains({slot}.basis) && {common(f'{slot}.frameworks.contains(LAW.framework) && {both}')}"
    fits = (
        f'(if context.category == "bsn" then ({by_law})'
        f" else if {_SPECIAL}.contains(context.category) then {slot}.article"
        f' else context.category != "medewerker")'
    )
    upheld = either(
        f'({there(o)} && {o}.outcome == "gehonoreerd" && {o}.at <= context.at && {concerns(o)})' for o in slots("o")
    )
    return f"""
permit(principal, action == Action::"share", resource) when {{
  {there(slot)} && {slot}.confirmed != "" && {slot}.confirmed != {slot}.established && {valid(slot)}
  && context.at < {slot}.ended && {slot}.kinds.contains(context.kind) && {slot}.purpose == context.purpose
  && {slot}.senderRole == context.senderRole && {slot}.receiverRole == context.receiverRole
  && {slot}.categories.contains(context.category) && {agreed} && {rests} && {fits} && {released()}
}} unless {{ {upheld} }};"""


def consented(slot: str) -> str:
    """A `ja` in force, unless something closes it that is as late or later."""
    fits = (
        f'(if {slot}.basis == "AVG-6-1-a" then !{_NOT_ORDINARY}.contains(context.category)'
        f" else {_SPECIAL}.contains(context.category))"
    )
    young = either(f"({there(s)} && {slot}.given < {s}.grown)" for s in slots("s"))
    too_soon = either(f"({there(s)} && {slot}.own < {s}.grown)" for s in slots("s"))
    due = f'(if ["ouder-met-gezag", "voogd"].contains({slot}.by) then {slot}.sixteen <= context.at else {young})'
    asked = f"{due} && (context.at < {slot}.own || {too_soon})"
    pending = either(
        f"({there(p)} && {p}.at <= context.at && {either(f'{p}.waiting.contains({flow})' for flow in THIS)})"
        for p in slots("p")
    )
    closed = either([*(ended(slot, s) for s in slots("s")), *(refused(slot, s) for s in slots("s")), *stopped(slot)])
    return f"""
permit(principal, action == Action::"share", resource) when {{
  {there(slot)} && {slot}.choice == "ja" && context.at < {slot}.ended && !{slot}.requested && !{slot}.invalid
  && {slot}.given <= context.at && {valid(slot)} && {slot}.purposes.contains(context.purpose)
  && {slot}.receivers.contains(context.receiver) && {slot}.senders.contains(context.sender)
  && {slot}.part <= context.at && {slot}.categories.contains(context.category) && {fits} && {released()}
}} unless {{ ({asked}) || {pending} || {closed} }};"""


def ended(of: str, slot: str) -> str:
    late = f"{slot}.ended <= context.at && {of}.since <= {slot}.ended"
    return f"({there(slot)} && {late} && {in_scope(slot)} && {of_category(slot)})"


def refused(of: str, slot: str) -> str:
    said = f'{slot}.choice == "nee" && context.at < {slot}.ended && {slot}.given <= context.at && {valid(slot)}'
    late = f"({of}.since <= {slot}.given || ({of}.parental && {slot}.spokenByParent))"
    sound = f"!{slot}.requested && !{slot}.invalid"
    return f"({there(slot)} && {said} && {sound} && {late} && {in_scope(slot)} && {of_category(slot)})"


def stopped(of: str) -> list[str]:
    return [
        f"({there(p)} && {p}.at <= context.at && {of}.since <= {p}.at"
        f" && !{either(f'{p}.{how}.contains({flow})' for flow in THIS for how in ('waiting', 'lifted'))})"
        for p in slots("p")
    ]


def blocks() -> str:
    whole = [
        "!context.known || context.erased || (context.deceased && !context.closes)",
        *(f"{there(b)} && {valid(b)} && {concerns(b)}" for b in slots("b")),
        *(f'{there(o)} && {o}.outcome == "open" && {o}.at <= context.at && {concerns(o)}' for o in slots("o")),
    ]
    hidden = '["contact", "medewerker"].contains(context.category)'
    whole += [f"{there(h)} && {valid(h)} && !{h}.receivers.contains(context.receiver) && {hidden}" for h in slots("h")]
    return "".join(f'\nforbid(principal, action == Action::"share", resource) when {{ {term} }};' for term in whole)


def staff() -> str:
    agreed = either(covering(a) for a in slots("a"))
    when = f'context.category == "medewerker" && {agreed}'
    return f'\npermit(principal, action == Action::"share", resource) when {{ {when} }};'


def policies() -> cedarpy.PolicySet:
    rules = [flow(), staff(), blocks(), *(lawful(g) for g in slots("g")), *(consented(s) for s in slots("s"))]
    return cedarpy.PolicySet.from_str("\n".join(rules))


# -- the facts, as a context ------------------------------------------------------------------------------------------
def seconds(at: datetime | None, missing: int = _EVER) -> int:
    return missing if at is None else int((at - _EPOCH).total_seconds())


def texts(values: Iterable[Any] | None) -> list[str]:
    return [str(value) for value in values or ()]


def statement(said: Statement, sender: str) -> dict[str, Any]:
    given = seconds(said.given_at)
    until = seconds(said.valid_until) if said.valid_until or said.choice == "nee" else seconds(said.valid_from)
    return {
        "choice": str(said.choice),
        "basis": str(said.basis),
        "requested": said.requested,
        "invalid": said.invalid,
        "ended": seconds(said.ended_at),
        "given": given,
        "from": seconds(said.valid_from),
        "until": until,
        "part": seconds({str(k): v for k, v in said.confirmed.items()}.get(sender)),
        "by": str(said.by),
        "sixteen": seconds(said.sixteen_at),
        "grown": seconds(said.sixteen_at, -_EVER),
        "own": seconds(said.own_at),
        "since": given if said.own_at is None else max(given, seconds(said.own_at)),
        "parental": str(said.by) == "ouder-met-gezag" and said.own_at is None,
        "spokenByParent": str(said.by) == "ouder-met-gezag",
        "purposes": texts(said.purposes),
        "anyPurpose": said.purposes is None,
        "categories": texts(said.categories),
        "anyCategory": said.categories is None,
        "senders": texts(said.senders),
        "anySender": said.senders is None,
        "receivers": texts(said.receivers),
        "anyReceiver": said.receivers is None,
    }


def stopped_flow(flow: ConsentFlow) -> dict[str, str]:
    return {"sender": str(flow.sender), "receiver": str(flow.receiver or ""), "purpose": str(flow.purpose or "")}


def limit(block: Any, **more: Any) -> dict[str, Any]:
    return {
        "senders": texts(block.senders),
        "receivers": texts(block.receivers),
        "anyReceiver": block.receivers is None,
        "purpose": str(block.purpose or ""),
    } | more


def of_person(request: Request, facts: Facts) -> dict[str, list[dict[str, Any]]]:
    person = facts.person
    return {
        "s": [statement(said, request.sender) for said in person.statements],
        "p": [
            {
                "at": seconds(p.at),
                "waiting": [stopped_flow(f) for f in p.asked if f not in p.confirmed and f not in p.lifted],
                "lifted": [stopped_flow(f) for f in p.lifted if f not in p.confirmed],
            }
            for p in person.stops
        ],
        "i": [
            {
                "organisation": str(i.organisation),
                "trajectory": i.trajectory,
                "framework": str(i.framework),
                "awaited": i.awaited,
                "closing": i.closing is not None,
                "closedAt": 0 if i.closing is None else seconds(i.closing.at),
                "from": seconds(i.valid_from),
                "until": seconds(i.valid_until),
            }
            for i in person.involvements
        ],
        "e": [
            {"parties": texts(e.parties), "from": seconds(e.valid_from), "until": seconds(e.valid_until)}
            for e in person.enrolments
        ],
        "b": [
            limit(b, **{"from": seconds(b.valid_from), "until": seconds(b.valid_until)}) for b in person.restrictions
        ],
        "o": [limit(o, at=seconds(o.at), outcome=str(o.outcome)) for o in person.objections],
        "r": [
            {
                "holder": str(r.holder),
                "receiver": str(r.receiver),
                "subjects": texts(r.subjects),
                "from": seconds(r.at),
                "until": seconds(r.ended_at),
            }
            for r in person.secrecy_releases
        ],
        "h": [
            {"receivers": texts(h.receivers), "from": seconds(h.at), "until": seconds(h.lifted_at)}
            for h in person.shields
        ],
    }


def of_region(facts: Facts) -> dict[str, list[dict[str, Any]]]:
    return {
        "a": [
            {
                "id": a.id,
                "parties": texts(a.parties),
                "kinds": texts(a.kinds),
                "purposes": texts(a.purposes),
                "from": seconds(a.valid_from),
                "until": seconds(a.valid_until),
                "ended": seconds(a.ended_at),
                "accepted": max(seconds(a.accepted.get(party)) for party in a.parties),
            }
            for a in facts.rules.agreements
        ],
        "g": [
            {
                "agreement": g.agreement_id,
                "basis": str(g.basis),
                "frameworks": texts(g.frameworks),
                "kinds": texts(g.kinds),
                "purpose": str(g.purpose),
                "senderRole": str(g.sender_role),
                "receiverRole": str(g.receiver_role),
                "categories": texts(g.categories),
                "article": bool(g.uavg_article),
                "established": g.established_by,
                "confirmed": g.confirmed_by or "",
                "from": seconds(g.valid_from),
                "until": seconds(g.valid_until),
                "ended": seconds(g.ended_at),
            }
            for g in facts.rules.grounds
        ],
    }


def context(request: Request, facts: Facts, at: datetime) -> dict[str, Any]:
    """The facts of one question. Raises ``ValueError`` when there are more of a sort than there are slots."""
    rules, (way,) = facts.rules, request.flows
    if rules.sender is None or rules.receiver is None:
        raise ValueError("both ends must be known")
    made: dict[str, Any] = {
        "at": seconds(at),
        "sender": str(request.sender),
        "receiver": str(request.receiver),
        "kind": request.kind,
        "purpose": str(request.purpose),
        "opens": request.opens,
        "subjects": texts(request.subjects),
        "closes": request.closes,
        "accepted": seconds(request.accepted_at, 2 * _EVER),
        "leaders": texts(facts.leaders),
        "trajectory": request.trajectory or "",
        "senderRole": str(rules.sender.role),
        "receiverRole": str(rules.receiver.role),
        "senderActive": rules.sender.active,
        "receiverActive": rules.receiver.active,
        "mandate": rules.mandate_active,
        "mandateKinds": texts(rules.mandate_kinds),
        "anyKind": rules.mandate_kinds is None,
        "push": rules.push_active,
        "flowSenders": texts(way.senders),
        "flowReceivers": texts(way.receivers),
        "flowPurposes": texts(way.purposes),
        "wantsBsn": C.BSN in request.required | request.optional,
        "log": facts.log_writable,
        "known": facts.person.known,
        "erased": facts.person.erased,
        "deceased": facts.person.deceased,
    }
    for letter, found in (of_person(request, facts) | of_region(facts)).items():
        if len(found) > SLOTS[letter]:
            raise ValueError(f"more than {SLOTS[letter]} facts of the sort {letter}")
        made |= {f"{letter}{n}": one for n, one in enumerate(found)}
    return made


def query(action: str, facts: Mapping[str, Any], category: C | None = None) -> dict[str, Any]:
    return {
        "principal": 'Party::"sender"',
        "action": f'Action::"{action}"',
        "resource": 'Party::"receiver"',
        "context": dict(facts) | {"category": "" if category is None else str(category)},
    }
