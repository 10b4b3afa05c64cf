/** What a lead watches: capacity, age, hit rate, who holds what, and whether decisions only repeat the score. */
import { Answer } from "../app/Answer";
import { useFilters } from "../app/filters";
import { LineChoice, useLines } from "../app/LineChoice";
import { Page } from "../app/Page";
import "../app/overview.css";
import { Histogram } from "../charts/Histogram";
import { IntervalDots } from "../charts/IntervalDots";
import { StackedWeeks } from "../charts/StackedWeeks";
import { amount, count, percent } from "../format/format";
import { texts } from "../texts";
import { Figures } from "./Figures";
import { HeldCases } from "./HeldCases";
import { inWords } from "./OwnStatistics";
import { PeopleTable } from "./PeopleTable";
import { type Team, useTeam } from "./queries";

const WEEKS = [4, 13, 26, 52] as const;
const USUAL = 13;

export default function TeamScreen() {
  const words = texts.team;
  const lines = useLines("case.assign");
  const [filters, change] = useFilters(["line", "weeks", "person"]);
  const line = filters.line || lines[0] || "";
  const weeks = WEEKS.find((each) => String(each) === filters.weeks) ?? USUAL;
  const team = useTeam(line, weeks);
  return (
    <Page title={words.title}>
      <div className="filters">
        <LineChoice
          permission="case.assign"
          value={line}
          onChange={(chosen) => change({ line: chosen, person: "" })}
        />
        <div className="field">
          <label htmlFor="team-weeks">{words.weeksLabel}</label>
          <select id="team-weeks" value={weeks} onChange={(event) => change({ weeks: event.target.value })}>
            {WEEKS.map((each) => (
              <option key={each} value={each}>
                {words.weeksChoice(each)}
              </option>
            ))}
          </select>
        </div>
      </div>
      {line && (
        <Answer query={team}>
          {(data) => (
            <TeamView
              team={data}
              person={filters.person}
              onPerson={(person) => change({ person }, { replace: true })}
            />
          )}
        </Answer>
      )}
    </Page>
  );
}

interface Props {
  team: Team;
  person: string;
  onPerson: (person: string) => void;
}

export function TeamView({ team, person, onPerson }: Props) {
  const words = texts.team;
  const nothing = team.open === 0 && team.weeks.every((week) => week.opened + week.decided + week.due === 0);
  if (nothing) return <p>{words.noCases}</p>;
  return (
    <>
      <Figures
        figures={[
          { name: words.open, value: count(team.open) },
          {
            name: words.overdue,
            value: team.overdue ? count(team.overdue) : words.overdueNone,
            detail: words.dueSoon(count(team.due_within_day), count(team.due_within_week)),
            ...(team.overdue > 0 && { tone: "bad" as const }),
          },
          {
            name: words.hitRate,
            value: team.hits_of_referrals.share === null ? "–" : percent(team.hits_of_referrals.share),
            detail: inWords(
              team.hits_of_referrals,
              (_, of, low, high) => words.hitWords(of, low, high),
              words.hitNone,
            ),
          },
          {
            name: words.saved,
            value: team.saved === null ? "–" : amount(team.saved),
            detail:
              team.saved === null || team.review_cost === null
                ? words.savedUnknown
                : words.savedWords(
                    count(team.confirmed_frauds),
                    amount(team.confirmed_amount),
                    count(team.reviews),
                    amount(team.review_cost),
                  ),
          },
        ]}
      />
      <div className="panels">
        <section className="panel">
          <Capacity team={team} />
        </section>
        <section className="panel">
          <Ages team={team} />
        </section>
        <section className="panel">
          <HitRates team={team} />
        </section>
      </div>
      <HeldCases cases={team.cases} held={team.held} person={person} onPerson={onPerson} />
      <PeopleTable people={team.people} enough={team.enough} />
    </>
  );
}

function Capacity({ team }: { team: Team }) {
  const words = texts.team.capacity;
  const weeks = team.weeks;
  const sum = (name: "opened" | "decided") => weeks.reduce((total, week) => total + week[name], 0);
  // The newest week is not over yet.
  const complete = weeks[weeks.length - 2];
  const sentences = [
    complete === undefined
      ? ""
      : complete.capacity > 0
        ? words.words(
            count(complete.decided),
            count(complete.capacity),
            percent(complete.decided / complete.capacity),
          )
        : complete.claims > 0
          ? words.noCapacity(count(complete.claims))
          : words.noClaims,
    sum("opened") > sum("decided")
      ? words.short(count(sum("opened")), count(sum("decided")))
      : words.enough(count(sum("opened")), count(sum("decided"))),
  ];
  return (
    <StackedWeeks
      title={words.title}
      description={sentences.filter(Boolean).join(" ")}
      beside
      limitName={words.limit}
      series={[
        { key: "opened", name: words.series.opened, mark: 3 },
        { key: "decided", name: words.series.decided, mark: 2 },
        { key: "due", name: words.series.due, mark: 1 },
      ]}
      weeks={weeks.map(({ week, opened, decided, due, capacity }) => ({
        week,
        counts: { opened, decided, due },
        limit: capacity,
      }))}
    />
  );
}

function Ages({ team }: { team: Team }) {
  const words = texts.team.ages;
  return (
    <Histogram
      title={words.title}
      description={words.words(count(team.open), count(team.overdue))}
      binName={words.bin}
      countName={words.count}
      lateName={words.late}
      bins={team.ages.map(({ from_day, to_day, cases, overdue }) => ({
        label:
          to_day === null ? words.from(count(from_day)) : words.range(count(from_day), count(to_day - 1)),
        count: cases,
        late: overdue,
      }))}
    />
  );
}

function HitRates({ team }: { team: Team }) {
  const words = texts.team.hits;
  return (
    <IntervalDots
      title={words.title}
      description={words.words}
      labelName={words.group}
      valueName={words.value}
      ofName={words.of}
      from={0}
      estimates={(
        [
          [words.referrals, team.hits_of_referrals],
          [words.audit, team.hits_of_audit],
        ] as const
      ).map(([label, { share, low, high, of }]) => ({ label, value: share, low, high, of }))}
    />
  );
}
