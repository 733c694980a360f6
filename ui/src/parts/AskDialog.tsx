import { Button, CloseButton, Dialog, Portal } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { t } from "src/texts";

type Props = {
  title: string;
  children: ReactNode;
  confirm: string;
  dismiss?: string;
  danger?: boolean;
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
};

/** Asks before something is done, and for what it needs. */
export function AskDialog(props: Props) {
  const { title, children, confirm, dismiss, danger = false, busy = false, onConfirm, onClose } = props;
  return (
    <Dialog.Root
      onOpenChange={({ open }) => open || onClose()}
      open
      placement="center"
      scrollBehavior="inside"
      size="md"
    >
      <Portal>
        <Dialog.Backdrop />
        <Dialog.Positioner>
          <Dialog.Content>
            <Dialog.Header>
              <Dialog.Title>{title}</Dialog.Title>
            </Dialog.Header>
            <Dialog.Body>{children}</Dialog.Body>
            <Dialog.Footer>
              <Button onClick={onClose} size="sm" variant="outline">
                {dismiss ?? t("common.close")}
              </Button>
              <Button colorPalette={danger ? "danger" : "brand"} loading={busy} onClick={onConfirm} size="sm">
                {confirm}
              </Button>
            </Dialog.Footer>
            <Dialog.CloseTrigger asChild>
              <CloseButton aria-label={t("common.close")} size="sm" />
            </Dialog.CloseTrigger>
          </Dialog.Content>
        </Dialog.Positioner>
      </Portal>
    </Dialog.Root>
  );
}
