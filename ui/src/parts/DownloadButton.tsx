import { Button } from "@chakra-ui/react";
import { useState } from "react";
import { asFailure, type Failure } from "src/api/client";
import { FailureNotice } from "src/parts/FailureNotice";
import { t } from "src/texts";

/** Saves a text as a file; a function makes the text when it is wanted. */
export function DownloadButton({ text, name }: { text: string | (() => Promise<string>); name: string }) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const press = async () => {
    setBusy(true);
    setFailure(null);
    try {
      save(typeof text === "string" ? text : await text(), name);
    } catch (error) {
      setFailure(asFailure(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {failure === null ? null : <FailureNotice failure={failure} />}
      <Button loading={busy} onClick={() => void press()} size="xs" variant="outline">
        {t("common.download")}
      </Button>
    </>
  );
}

function save(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
