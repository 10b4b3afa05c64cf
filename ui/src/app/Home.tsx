/** The first screen: that of an investigator, or else the first one that the person may see. */
import { Redirect } from "wouter";
import { DeskHome } from "../desk/DeskHome";
import { texts } from "../texts";
import { useAccess } from "./access";
import { Page } from "./Page";
import { screens } from "./screens";

export default function Home() {
  const access = useAccess();
  if (access.can("case.decide")) return <DeskHome />;
  const first = screens.find((screen) => screen.path !== "/" && screen.navigation && screen.allowed(access));
  if (first?.navigation) return <Redirect to={first.navigation.href} replace />;
  return (
    <Page title={texts.account.nothing}>
      <p>{texts.account.nothingDetail}</p>
    </Page>
  );
}
